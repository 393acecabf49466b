package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	defaultDB      = "stakeledger.db"
	defaultTimeout = 5 * time.Second // for locks
)

// app is what the commands share: the flags of the root.
type app struct {
	db        string // path of the ledger's file, or the URL of its database
	standby   string // the URL of one that report, scores and lists may read
	isOther   bool   // db names another file that is read too, not the ledger itself
	noCreate  bool   // a missing ledger is an error
	readOnly  bool   // commands that write fail
	timeout   *option[time.Duration]
	verbose   int // 1: log what the command does, 2: and the manager
	logFormat *option[string]
	wide      *bool
	width     *option[int64]
}

// groups order the commands in the help.
const (
	groupTake = "take"
	groupRead = "read"
	groupKeep = "keep"
)

// newRoot makes the command with all its subcommands on the given streams.
func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	a := &app{}
	root := &cobra.Command{
		Use:   "stakeledger",
		Short: "Keep the trading record of miners on a Bittensor subnet",
		Long: `stakeledger keeps the trading record of miners on a Bittensor subnet in a SQLite file, or in a
PostgreSQL database (--db postgres://user@host/ledger; the password by PGPASSWORD or a passfile).
Staking TAO into a subnet opens a position; unstaking is a trade, which closes open positions
first in, first out. Every amount is exact to the rao (0.000000001 TAO). Tables fit the terminal,
so they shorten addresses and round amounts that are too long; in a pipe, and with --wide, they
are in full. Times are in UTC.

Exit codes:
  0  done
  1  failed, or interrupted
  2  wrong usage: an unknown command or flag, a value that cannot be
  3  done, but events were rejected (ingest)
  4  an input is not all there: pages are missing, it is empty, or it would end many registrations
  5  printed, but figures of some miners wait for a replay (report, scores, verify, …)
  6  printed, but the newest event is older than report --max-age allows

Environment:
  STAKELEDGER_DB, STAKELEDGER_JSON, …  stand for the flags of these names that are not given`,
		Example: `  stakeledger ingest events.jsonl
  stakeledger report
  stakeledger --db other.db positions --open`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	asGroup(root)
	root.SetIn(stdin)
	root.SetOut(&terminal{stdout, a})
	root.SetErr(stderr)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", maxWidth)))
	root.SetVersionTemplate("stakeledger {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see %s --help", plainFlagError(err), cmd.CommandPath())
	})
	a.addFlags(root)
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if a.db == "" {
			return usagef("--db is empty; give the path of the ledger's file, or a URL")
		}
		return nil
	}
	addCommands(root, a)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			asGroup(c)
		}
	}
	fromEnvironment(root)
	addCompletions(a, root)
	return root
}

// addFlags adds the flags that every command has.
func (a *app) addFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&a.db, "db", defaultDB, "the ledger's `FILE`, or the URL of a PostgreSQL database")
	flags.StringVar(&a.standby, "standby", "", "the `URL` of a PostgreSQL standby of --db, which report, scores and lists may read")
	flags.BoolVar(&a.noCreate, "no-create", false, "fail where a command would create the ledger")
	flags.BoolVar(&a.readOnly, "read-only", false, "refuse what would change the ledger")
	a.timeout = &option[time.Duration]{kind: "DURATION", parse: parseAge}
	flags.Var(a.timeout, "timeout", "how long to wait for another program that uses the ledger (default 5s)")
	flags.CountVarP(&a.verbose, "verbose", "v", "log files, counts and durations to standard error; twice: retries and slow statements too")
	a.wide = flags.Bool("wide", false, "print tables with every value whole, however wide")
	a.width = &option[int64]{kind: "COLUMNS", parse: parseWidth}
	flags.Var(a.width, "width", "print tables within so many columns (default: the terminal's; into a pipe any number)")
	a.logFormat = wordOption("text", "json")
	flags.Var(a.logFormat, "log-format", "the form of the log")
}

// addCommands puts every subcommand into its group.
func addCommands(root *cobra.Command, a *app) {
	add := func(id, title string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: id, Title: title})
		for _, c := range commands {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	root.SetHelpCommand(newHelp())
	add(groupTake, "Taking events in:", newIngest(a), newSimulate())
	add(groupRead, "Reading:", newReport(a), newMiners(a), newMiner(a), newPositions(a), newPosition(a), newTrades(a), newTrade(a),
		newCloses(a), newEvents(a), newRejected(a), newScores(a), newWeights(a), newWhy(a), newInfo(a), newReconcile(a), newExport(a))
	add(groupKeep, "Keeping:", newRegister(a), newStatus(a), newSync(a), newPolicy(a), newSnapshot(a), newArchive(a),
		newVerify(a), newDiff(a), newRebuild(a), newBackup(a), newRestore(a), newCopy(a), newCompact(a), newDoctor(a), newMigrate(a), newVersion())
}

// runCommand runs the command with args, prints its error and returns the exit code of the process.
func runCommand(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil || isBrokenPipe(err) {
		return exitDone
	}
	text := (&app{db: root.PersistentFlags().Lookup("db").Value.String()}).explainError(err)
	if isInterrupted(ctx, err) {
		text = "interrupted"
	}
	text = withoutSecrets(text, append(args, os.Getenv(envPrefix+"DB"), os.Getenv(envPrefix+"STANDBY")))
	fmt.Fprintf(root.ErrOrStderr(), "stakeledger: %s\n", oneLine(text))
	return exitCode(err)
}

// asGroup makes cmd a command that only holds others: by itself it prints its help.
func asGroup(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "see " + cmd.CommandPath() + " --help"
		cmd.SuggestionsMinimumDistance = min(2, len(args[0])/2) // with a short word everything is similar
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return usagef("unknown command %q for %s; %s", args[0], cmd.CommandPath(), hint)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// exactArgs checks that a command gets n arguments or, if more is set, at least n.
func exactArgs(n int, more bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n || more && len(args) > n {
			return nil
		}
		usage := strings.TrimSuffix(cmd.UseLine(), " [flags]")
		switch {
		case n == 0:
			return usagef("%s takes no arguments, got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
		case len(args) < n:
			return usagef("an argument is missing: %s", usage)
		default:
			return usagef("too many arguments: %q; usage: %s", args[n], usage)
		}
	}
}

// version is the module's version in the build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown version)"
	}
	return info.Main.Version
}
