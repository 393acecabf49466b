package main

var reading = []mutant{
	{
		name: "Pinned takes no snapshot", file: "manager/reader_pool.go",
		before:   "	if err == nil && pinned {",
		after:    "	if err == nil && false {",
		packages: "./manager", tests: "TestReadOnlyIsOneSnapshot",
		why: "BEGIN alone takes none; the snapshot would be of later",
	},
	{
		name: "reads run without a transaction", file: "manager/reader_pool.go",
		before:   "	err := c.control(c.begin)\n",
		after:    "	err := c.control(c.rollback)\n	if err != nil {\n		err = nil\n	}\n",
		packages: "./manager", tests: "TestReadOnlyIsOneSnapshot",
		why: "two statements would see two moments",
	},
	{
		name: "readers' connections are not query_only", file: "manager/conn_pragma.go",
		before:   "		{\"query_only\", \"1\", \"1\"},\n",
		after:    "",
		packages: "./manager", tests: "TestOpenSetsPragmasOnEveryConnection",
		why: "the second of two walls before a write on a reader",
	},
	{
		name: "readers' connections are opened for writing", file: "manager/reader_pool.go",
		before:   `dsn(p.core.path, "ro"), "BEGIN"`,
		after:    `dsn(p.core.path, "rw"), "BEGIN"`,
		packages: "./manager", tests: "TestOpenReadOnlyChangesNothing",
		why: "a program that may only read a file could not open it, or would fold its log on closing",
	},
	{
		name: "a busy read is not run again", file: "manager/reader_pool.go",
		before:   "		if err == nil || !isBusy(err) {\n",
		after:    "		if true {\n",
		packages: "./manager", tests: "TestBusyReadRunsAgain",
		why: "recovery and checkpoints make readers busy for a moment",
	},
	{
		name: "a snapshot is never given back", file: "manager/reader_pool.go",
		before:   "	defer p.end(t)\n",
		after:    "",
		packages: "./manager", tests: "TestReadOnlyIsNeverOlderThanTheCall",
		why: "the next read on that connection would see the past, and the log grow for ever",
	},
	{
		name: "a snapshot that cannot be ended is kept", file: "manager/reader_pool.go",
		before:   "		_ = c.closeLocked()\n",
		after:    "",
		packages: "./manager", tests: "TestSnapshotThatCannotBeEnded",
		why: "later reads would see the past for ever",
	},
	{
		name: "a lost reader is not replaced", file: "manager/reader_pool.go",
		before:   "	if !c.gone() {\n		return c, nil\n	}\n	_ = c.close()\n",
		after:    "	if true {\n		return c, nil\n	}\n	_ = c.close()\n",
		packages: "./manager", tests: "TestLostConnectionIsReplaced|TestSnapshotThatCannotBeEnded",
		why: "every later read on it would fail",
	},
	{
		name: "a waiting reader is patient for ever", file: "manager/reader_pool.go",
		before:   "time.NewTimer(p.core.cfg.retryBudget)",
		after:    "time.NewTimer(time.Hour)",
		packages: "./manager", tests: "TestReadOnlyWaitsForAReader",
		why: "whoever waits ends in an error that names the holders",
	},
}
