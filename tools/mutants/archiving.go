package main

// What archiving moves, and what it may not change.
var archiving = []mutant{
	{
		name: "the cutoff itself is archived", file: "dbgen/read/archive.sql.go",
		before:   "  AND p.closed_at < CAST(?2 AS time_int)\nORDER BY p.position_id\n",
		after:    "  AND p.closed_at <= CAST(?2 AS time_int)\nORDER BY p.position_id\n",
		packages: "./ledger", tests: "TestArchiveMovesWhatWasClosedBefore",
		why: "strictly before",
		lives: "what is moved is sought first by a query that asks the same (ClosedPositions, on a reader); this one " +
			"looks again in the transaction, at positions that a rebuild may have opened meanwhile",
	},
	{
		name: "the cutoff itself is found", file: "dbgen/read/archive.sql.go",
		before:   "  AND p.miner_id = m.miner_id AND p.closed_at < CAST(?4 AS time_int)\n",
		after:    "  AND p.miner_id = m.miner_id AND p.closed_at <= CAST(?4 AS time_int)\n",
		packages: "./ledger", tests: "TestArchiveMovesWhatWasClosedBefore",
		why: "strictly before; a run would look at what it may not move, again and again",
	},
	{
		name: "what was opened again meanwhile is archived", file: "dbgen/read/archive.sql.go",
		before:   "WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(?1 AS TEXT)) j)\n  AND p.closed_at < CAST(?2 AS time_int)\n",
		after:    "WHERE p.position_id IN (SELECT j.value FROM json_each(CAST(?1 AS TEXT)) j)\n  AND COALESCE(p.closed_at, 0) < CAST(?2 AS time_int)\n",
		packages: "./ledger", tests: "TestArchiveGivesWayToRebuild",
		why: "a rebuild between looking and moving may have opened a position",
	},
	{
		name: "a trade is archived before its last close", file: "dbgen/read/archive.sql.go",
		before:   "  AND NOT EXISTS (SELECT 1 FROM closes c WHERE c.trade_id = t.trade_id)\n",
		after:    "",
		packages: "./ledger", tests: "TestArchiveOfATradeWithManyCloses|TestArchiveMovesWhatWasClosedBefore",
		why: "a trade moves when all its closes have",
	},
	{
		name: "closes are deleted before they are copied", file: "ledger/archive_move.go",
		before:   "	copied, err := tx.ArchiveCloses(ctx, idList(positions), untilTrade)\n",
		after:    "	copied, err := int64(len(closes)), error(nil)\n",
		packages: "./ledger", tests: "TestArchiveMovesWhatWasClosedBefore",
		why: "money would be gone; the schema refuses it as well",
	},
	{
		name: "a run's summary is added to the run before", file: "ledger/archive.go",
		before:   "			b.runID = latest + 1\n",
		after:    "			b.runID = max(1, latest)\n",
		packages: "./ledger", tests: "TestArchive.*",
		why: "each run has a summary of its own",
	},
	{
		name: "Rebuild forgets archived positions", file: "ledger/rebuild_rows.go",
		before:   "			r.positions[p.PositionID], r.archivedPositions[p.PositionID] = Position(p), true\n",
		after:    "			_ = Position(p)\n",
		packages: "./ledger", tests: "TestRebuildGivesTheLedgerInOrder|TestArchiveGivesWayToRebuild",
		why: "it would write them again among the living",
	},
	{
		name: "Rebuild forgets archived closes", file: "ledger/rebuild_rows.go",
		before:   "		r.closes[key], r.archivedCloses[key] = Close(a), true\n",
		after:    "		_ = Close(a)\n",
		packages: "./ledger", tests: "TestRebuildGivesTheLedgerInOrder|TestArchiveGivesWayToRebuild",
		why: "it would write them again among the living",
	},
}
