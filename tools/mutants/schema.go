package main

// The schema's own guards, which hold against whoever writes past the ledger.
var schemaGuards = []mutant{
	{
		name: "a closed position may be opened again", file: "schema/00003_positions.sql",
		before:   "WHEN (OLD.remaining_alpha = 0 OR NEW.remaining_alpha >= OLD.remaining_alpha)\n",
		after:    "WHEN (NEW.remaining_alpha < 0)\n",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord",
		why: "closed is final",
	},
	{
		name: "a close may take more than is left", file: "schema/00004_closes.sql",
		before:   "      AND NEW.alpha <= p.remaining_alpha AND NEW.alpha <= t.exit_alpha - t.unmatched_alpha\n",
		after:    "      AND NEW.alpha <= t.exit_alpha - t.unmatched_alpha\n",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord|TestTriggers.*",
		why: "alpha would be sold twice",
	},
	{
		name: "a close may join two miners", file: "schema/00004_closes.sql",
		before:   "p.miner_id = NEW.miner_id AND t.miner_id = NEW.miner_id\n",
		after:    "p.miner_id = NEW.miner_id\n",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord|TestTriggers.*",
		why: "no close of another miner's position",
	},
	{
		name: "events may change", file: "schema/00002_events.sql",
		before:   "  SELECT RAISE(ABORT, 'events: the contents of an event never change');\n",
		after:    "  SELECT 1;\n",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord",
		why: "they are the record",
	},
	{
		name: "events may be deleted", file: "schema/00002_events.sql",
		before:   "  SELECT RAISE(ABORT, 'events: an event is never deleted');\n",
		after:    "  SELECT 1;\n",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord",
		why: "they are the record",
	},
	{
		name: "a floating gain is stored", file: "schema/00004_closes.sql",
		before:   "CHECK (typeof(gain) = 'integer' AND (",
		after:    "CHECK ((",
		packages: "./ledger", tests: "TestRawSQLCannotBreakTheRecord",
		why: "SQLite keeps 0.5 in an INTEGER column as it is",
	},
	{
		name: "closes are deleted without an archived copy", file: "schema/00006_archive.sql",
		before:   "    WHERE a.trade_id = OLD.trade_id AND a.step = OLD.step AND a.position_id = OLD.position_id)\n AND NOT EXISTS (SELECT 1 FROM rebuilds r WHERE r.miner_id = OLD.miner_id)\n",
		after:    "    WHERE a.trade_id = OLD.trade_id AND a.step = OLD.step AND a.position_id = OLD.position_id)\n AND 0\n",
		packages: "./ledger", tests: "TestArchiveGuards|TestRawSQLCannotBreakTheRecord",
		why: "no deletion without an archived copy",
	},
	{
		name: "a close is archived otherwise than it stands", file: "schema/00006_archive.sql",
		before:   "      AND c.cost = NEW.cost AND c.raw_gain = NEW.raw_gain AND c.gain = NEW.gain AND c.duration_us = NEW.duration_us\n",
		after:    "      AND c.cost = NEW.cost AND c.raw_gain = NEW.raw_gain AND c.duration_us = NEW.duration_us\n",
		packages: "./ledger", tests: "TestArchiveGuards",
		why: "a gain could be changed on its way to the archive",
	},
	{
		name: "an archived position may change", file: "schema/00006_archive.sql",
		before:   "  SELECT RAISE(ABORT, 'archived_positions: an archived position never changes');\n",
		after:    "  SELECT 1;\n",
		packages: "./ledger", tests: "TestArchiveGuards",
		why: "the archive is at rest",
	},
}
