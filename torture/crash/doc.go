// Package crash kills processes at random moments of their work, and checks what
// they leave behind.
//
// A child process works on a database and reports each answer on a pipe, after it
// got it. It is killed (SIGKILL) after a random time, from a range that was
// measured to cover the whole operation: opening with migrations, writing in
// groups with checkpoints, closing, and the ledger's operations (apply, archive,
// rebuild, snapshots, backup, restore). Mostly the next child then continues;
// sometimes the test checks first. Everything reported must be there, nothing in
// part, the lock file must be free, and no file left over once the database has
// been opened and closed.
//
// A kill loses nothing that a process has written, synced or not, since the system
// still has it. What was not synced is lost in package power.
//
// Files that are renamed, deleted or exchanged under a process that writes, its log
// and its index too, are another disturbance: all that was reported is in the files
// that it had open, and it reports nothing that it began afterwards.
//
// A seed replays the delays and choices, but not the scheduler.
package crash
