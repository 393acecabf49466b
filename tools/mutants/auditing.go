package main

// What Verify and Rebuild must see.
var auditing = []mutant{
	{
		name: "Verify does not compare gains", file: "ledger/verify_positions.go",
		before:   "	compare(v, table, row, \"gain\", gain, p.Gain)\n",
		after:    "",
		packages: "./ledger", tests: "TestVerifyFindsDamage|TestVerifyFindsWhatAddsUp",
		why: "a position's gain is what scores are made of",
	},
	{
		name: "Verify does not compare a trade's shares", file: "ledger/verify_trades.go",
		before:   "	compare(v, table, row, \"unmatched_tao\", t.ExitTAO-tao, t.UnmatchedTAO)\n",
		after:    "",
		packages: "./ledger", tests: "TestVerifyFindsDamage|TestVerifyFindsWhatAddsUp",
		why: "missing shares show nowhere else",
	},
	{
		name: "Verify does not compare counters", file: "ledger/verify_miners.go",
		before:   "	if want == got {\n		return\n	}\n",
		after:    "	return\n",
		packages: "./ledger", tests: "TestVerifyFindsDamage",
		why: "they are kept by increments and could drift",
	},
	{
		name: "Verify does not see rows in two places", file: "ledger/verify_positions.go",
		before:   "			v.differ(\"positions\", id(p.PositionID), \"place\", \"live or archived\", \"both\")\n",
		after:    "",
		packages: "./ledger", tests: "TestVerifyFindsDamage|TestVerifyFindsWhatAddsUp",
		why: "counted twice",
	},
	{
		name: "Verify does not ask for first in, first out", file: "ledger/verify_positions.go",
		before:   "	v.firstIn(p, closes)\n",
		after:    "",
		packages: "./ledger", tests: "TestVerify.*",
		why: "closes in the wrong order add up all the same",
	},
	{
		name: "Verify does not miss the position of a stake", file: "ledger/verify_positions.go",
		before:   "	if err != nil || whole && applied == int64(len(positions)) {\n",
		after:    "	if err != nil || whole && applied >= 0 {\n",
		packages: "./ledger", tests: "TestVerifyFindsDamage",
		why: "a row that is gone differs from nothing",
	},
	{
		name: "Verify does not look at a span with a position of another's event", file: "ledger/verify_positions.go",
		before:   "	if err != nil || whole && applied == int64(len(positions)) {\n",
		after:    "	if err != nil || applied == int64(len(positions)) {\n",
		packages: "./ledger", tests: "TestVerifyFindsDamage",
		why: "one that is gone and one too many add up",
	},
	{
		name: "Verify does not look at a span with a trade of another's event", file: "ledger/verify_trades.go",
		before:   "	if !whole || applied != int64(len(trades)) {\n",
		after:    "	if applied != int64(len(trades)) {\n",
		packages: "./ledger", tests: "TestVerifyFindsDamage",
		why: "one that is gone and one too many add up",
	},
	{
		name: "Verify does not ask what an unstake left open", file: "ledger/verify_trades.go",
		before:   "		if !e.Left {\n",
		after:    "		if true {\n",
		packages: "./ledger", tests: "TestVerify.*",
		why: "alpha counts as unmatched while a position waits for it",
	},
	{
		name: "Rebuild replays in the order of ids", file: "ledger/rebuild_replay.go",
		before:   "	slices.SortStableFunc(events, func(a, b RecordedEvent) int {\n",
		after:    "	slices.SortStableFunc(events, func(a, b RecordedEvent) int {\n		if c := cmp.Compare(a.EventID, b.EventID); c != 0 {\n			return c\n		}\n",
		packages: "./ledger", tests: "TestRebuildGivesTheLedgerInOrder|TestRebuildPutsALateStakeFirst",
		why: "it is there to put right what came late",
	},
	{
		name: "Rebuild forgets an event's inputs", file: "ledger/rebuild_replay.go",
		before:   "	in := inputs{mode: *e.Mode, minBlocks: *e.MinBlocks, selfTrade: *e.SelfTrade}\n",
		after:    "	in := inputs{mode: *e.Mode, minBlocks: defaultMinBlocks, selfTrade: *e.SelfTrade}\n",
		packages: "./ledger", tests: "TestRebuild.*|TestWorkedExamples",
		why: "a trade is replayed with the minimum it was made with",
	},
	{
		name: "Rebuild makes live what was archived", file: "ledger/rebuild_write.go",
		before:   ", r.writeCounters, r.archiveAgain,\n",
		after:    ", r.writeCounters,\n",
		packages: "./ledger", tests: "TestRebuild.*|TestArchiveGivesWayToRebuild",
		why: "what is archived stays so where it is still closed",
	},
}
