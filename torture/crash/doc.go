// Package crash kills processes at random moments of what they do, and looks
// at what they leave behind.
//
// A child process works on a database and reports on a pipe what it was
// answered, only after it was answered. It is killed (SIGKILL) after a random
// time, over a range that was measured to cover the whole operation: opening
// with migrations, writing in groups with checkpoints, closing, and what a
// ledger does (apply, archive, rebuild, snapshots, backup, restore). Mostly the
// next child then goes on where the dead one stopped; sometimes the test looks
// first. Everything reported must be there, nothing half there, the lock file
// free, and no file left over when the database has been opened and closed.
//
// A kill loses nothing that a process has written, synced or not: the system
// still has it. Package power takes that away too.
//
// A seed replays the delays and choices, not what the scheduler makes of them.
package crash
