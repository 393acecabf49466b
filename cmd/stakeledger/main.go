// Command stakeledger keeps the trading record of miners in a SQLite file or a PostgreSQL database: it
// ingests stake events and prints the results.
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
	"strings"
	"syscall"
	"unsafe"

	"github.com/stakeledger/stakeledger/manager"
)

func main() {
	// If the reader of the output closes it, writing fails (see isBrokenPipe), instead of a signal
	// killing the process.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the work in order; a second one kills the process.
	context.AfterFunc(ctx, stop)
	os.Exit(runCommand(ctx, newRoot(os.Stdin, os.Stdout, os.Stderr), hidden(os.Args[1:])))
}

// hidden returns the arguments, and overwrites the passwords where every user of the machine reads them (ps): on Unix
// the strings of os.Args are the process's own title.
func hidden(args []string) []string {
	given := make([]string, len(args))
	for i, arg := range args {
		given[i] = strings.Clone(arg)
		offset := 0
		if !manager.IsURL(arg) { // --db=URL
			offset = len(arg) - len(afterEqual(arg))
		}
		for _, s := range secrets(given[i][offset:]) {
			bytes := unsafe.Slice(unsafe.StringData(arg), len(arg))
			for j := offset + s.from; j < offset+s.until; j++ {
				bytes[j] = 'x'
			}
		}
	}
	return given
}
