// Command stakeledger keeps the trading record of miners in a SQLite file: it takes stake events in and
// prints what came of them.
//
//	stakeledger ingest events.jsonl
//	stakeledger report
//
// stakeledger --help lists the commands, and what their exit codes mean.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// A reader that has seen enough is an error of the write (see quiet), not a signal that kills.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in order; from then on a second one kills.
	context.AfterFunc(ctx, stop)
	os.Exit(runCommand(ctx, newRoot(os.Stdin, os.Stdout, os.Stderr), os.Args[1:]))
}
