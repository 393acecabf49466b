package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// newHelp is cobra's help command, for which an unknown topic is wrong usage.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does",
		Long:  `Say what a command does, with its flags and examples.`,
		Example: `  stakeledger help ingest
  stakeledger help migrate up`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("unknown command %q; see stakeledger --help", strings.Join(args, " "))
			}
			topic.InitDefaultHelpFlag()
			return topic.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			for _, c := range cmd.Root().Commands() {
				names = append(names, c.Name())
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// buildVersions are the versions of the program and its libraries, in JSON.
type buildVersions struct {
	Version string `json:"version"`
	Engine  string `json:"engine"`
	SQLite  string `json:"sqlite"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program, SQLite and Go",
		Long: `Print the version of the program, of SQLite and of Go: what the report of an error
should say.`,
		Example: `  stakeledger version`,
		Args:    exactArgs(0, false),
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v := buildVersions{version(), "sqlite", manager.SQLiteVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
		if *asJSON {
			return writeObject(cmd.OutOrStdout(), v)
		}
		return writeText(cmd.OutOrStdout(), fmt.Sprintf("stakeledger %s\nengine      SQLite %s\nbuilt       %s, %s\n", v.Version, v.SQLite, v.Go, v.System))
	}
	return cmd
}

func writeText(w io.Writer, text string) error {
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// addCompletions lets a shell complete the values of flags: words, subnets with something open, and miners.
func addCompletions(a *app, cmd *cobra.Command) {
	complete := func(flag string, values func(*cobra.Command) []string) {
		if cmd.Flags().Lookup(flag) == nil {
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
			return slices.DeleteFunc(values(cmd), func(v string) bool { return !strings.HasPrefix(v, prefix) }), cobra.ShellCompDirectiveNoFileComp
		}) // the error means that the flag has a completion already
	}
	for _, name := range []string{"status", "outcome", "transfers", "self-trades", "log-format", "sort", "archived"} {
		if flag := cmd.Flags().Lookup(name); flag != nil {
			words := strings.Split(flag.Value.Type(), "|")
			complete(name, func(*cobra.Command) []string { return slices.Clone(words) })
		}
	}
	complete("netuid", func(cmd *cobra.Command) []string { return a.completeFrom(cmd, subnetsOf) })
	complete("miner", func(cmd *cobra.Command) []string { return a.completeFrom(cmd, minersIn) })
	cmd.ValidArgsFunction = a.argumentCompletion(cmd)
	for _, c := range cmd.Commands() {
		addCompletions(a, c)
	}
}

// argumentCompletion completes an argument that a command's usage calls a miner, or gives the words of; nil for a
// command without one. Of other arguments, files are completed.
func (a *app) argumentCompletion(cmd *cobra.Command) cobra.CompletionFunc {
	names := strings.Fields(cmd.Use)[1:]
	isWords := func(name string) bool { return strings.Contains(name, "|") && !strings.Contains(name, "--") }
	isMiner := func(name string) bool {
		name, _, _ = strings.Cut(name, "|")
		return name == "MINER" || name == "COLDKEY"
	}
	if cmd.ValidArgsFunction != nil || !slices.ContainsFunc(names, isWords) && !slices.ContainsFunc(names, isMiner) {
		return cmd.ValidArgsFunction
	}
	return func(cmd *cobra.Command, args []string, prefix string) (values []string, _ cobra.ShellCompDirective) {
		switch {
		case len(args) >= len(names):
		case isMiner(names[len(args)]):
			values = a.completeFrom(cmd, minersIn)
		case isWords(names[len(args)]):
			values = strings.Split(names[len(args)], "|")
		}
		return slices.DeleteFunc(values, func(v string) bool { return !strings.HasPrefix(v, prefix) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFrom reads values for a completion from the ledger; none if it cannot be
// read.
func (a *app) completeFrom(cmd *cobra.Command, read func(context.Context, *ledger.Ledger) ([]string, error)) (values []string) {
	if setFromEnvironment(cmd) != nil || a.checkExists(cmd) != nil {
		return nil
	}
	cmd.SetErr(io.Discard)
	_ = a.withReadOnly(cmd, func(ctx context.Context, l *ledger.Ledger) (err error) {
		values, err = read(ctx, l)
		return err
	})
	return values
}

func subnetsOf(ctx context.Context, l *ledger.Ledger) ([]string, error) {
	exposures, err := l.OpenExposures(ctx)
	var open []chain.Netuid
	for _, e := range exposures {
		open = append(open, e.Netuid)
	}
	slices.Sort(open)
	var names []string
	for _, netuid := range slices.Compact(open) {
		names = append(names, netuid.String())
	}
	return names, err
}

func minersIn(ctx context.Context, l *ledger.Ledger) (names []string, err error) {
	for m, err := range allPages(func(p ledger.Page[ledger.Miner]) ([]ledger.Miner, error) { return l.Miners(ctx, p) }) {
		if err != nil {
			return nil, err
		}
		names = append(names, string(m.Coldkey))
	}
	return names, nil
}
