package main

// What happens when the context ends.
var cancelling = []mutant{
	{
		name: "a queued caller does not leave with its context", file: "manager/writer.go",
		before:   "for ctxDone, left := r.ctx.Done(), false; !left; {",
		after:    "for ctxDone, left := (<-chan struct{})(nil), false; !left; {",
		packages: "./manager", tests: "TestContextEndsWhileQueued",
		why: "a request whose client has gone would hold a goroutine behind a slow writer",
	},
	{
		name: "whoever left the queue is run all the same", file: "manager/writer_queue.go",
		before:   "	case r.waiting:\n		q.remove(r)\n",
		after:    "	case r.waiting:\n",
		packages: "./manager", tests: "TestContextEndsWhileQueued|TestWaiterThatLeavesLeavesNoTrace",
		why: "its caller has been told that nothing happened",
	},
	{
		name: "a closure begins although its context has ended", file: "manager/group.go",
		before:   "	if r.err = ended(r.ctx, \"begin transaction\", \"\", r.label.String()); r.err != nil {\n		return true\n	}\n",
		after:    "",
		packages: "./manager", tests: "TestContextEndsWhileEarlierMembersRun|TestContextThatHasEndedRunsNothing",
		why: "nothing runs for a caller that does not want it any more",
	},
	{
		name: "the lock file is waited for beyond the context", file: "manager/lock_file.go",
		before:   "	case <-ctx.Done():\n		failure = ended(ctx, \"wait for the lock file\"",
		after:    "	case <-(chan struct{})(nil):\n		failure = ended(ctx, \"wait for the lock file\"",
		packages: "./manager", tests: "TestContextEndsBeforeBegin|TestWaiterWhoseContextEndsGivesTheLockOn",
		why: "another process may hold it for long",
	},
	{
		name: "an abandoned wait keeps the lock file", file: "manager/lock_file.go",
		before:   "	if !w.wanted && err == nil {\n		err = funlock(f)\n	}\n",
		after:    "",
		packages: "./manager", tests: "TestWaiterWhoseContextEndsGivesTheLockOn",
		why: "every other process would wait for somebody who has gone",
	},
	{
		name: "statements run after the context has ended", file: "manager/txn.go",
		before:   "	if err != nil {\n		name, _ := queryName(query)\n		return ended(ctx",
		after:    "	if false {\n		name, _ := queryName(query)\n		return ended(ctx",
		packages: "./manager", tests: "TestContextEndsInsideAWrite",
		why: "a write would go to its end for nobody",
	},
	{
		name: "a statement with another context outlives the transaction's", file: "manager/txn.go",
		before:   "	if err == nil && ctx != t.ctx {",
		after:    "	if false {",
		packages: "./manager", tests: "TestContextEndsInsideAWrite|TestContextEndsInsideARead",
		why: "context.Background() given to a query must not hide that the caller has left",
	},
	{
		name: "a read inside a write is interrupted", file: "manager/conn_rows.go",
		before:   "	if !q.txn.root.write {\n",
		after:    "	if true {\n",
		packages: "./manager", tests: "TestContextEndsInsideAWrite",
		why: "an interrupt may take the whole transaction with it",
	},
	{
		name: "a long read is not interrupted", file: "manager/conn_rows.go",
		before:   "	if !q.txn.root.write {\n",
		after:    "	if false {\n",
		packages: "./manager", tests: "TestReadIsInterruptedAndItsConnectionLives",
		why: "a report nobody waits for would hold back the log for minutes",
	},
	{
		name: "a context that ends at COMMIT undoes the answer", file: "manager/writer.go",
		before:   "	r.commit, r.hooks = w.commits.Add(1), t.hooks\n	return nil\n",
		after:    "	r.commit, r.hooks = w.commits.Add(1), t.hooks\n	return r.ctx.Err()\n",
		packages: "./manager", tests: "TestContextEndsAtCommit",
		why: "COMMIT decides; an error would say that nothing happened",
	},
}
