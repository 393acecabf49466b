package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func TestWrongUsage(t *testing.T) {
	for _, test := range []struct {
		args string
		part string // what the error says to do
	}{
		{"reprot", "did you mean report?"},
		{"nonsense", "see stakeledger --help"},
		{"migrate sideways", "see stakeledger migrate --help"},
		{"migrate stauts", "did you mean status?"},
		{"report --no-such-flag", "see stakeledger report --help"},
		{"report extra", "takes no arguments"},
		{"--db= report", "give the path"},
		{"ingest", "ingest FILE..."},
		{"policy set", "nothing to set"},
		{"policy set --min-blocks -1", "0 or more"},
		{"policy set --min-blocks 1.5", "0 or more"},
		{"policy set --transfers maybe", "include, exclude"},
		{"policy set --self-trades maybe", "zero, clamp"},
		{"scores --lookback -1", "0 or more"},
		{"ingest - --tracking-start 2026-01-01T00:00:00", "no zone"},
		{"miner", "miner MINER"},
		{"miner " + alice + " " + bob, "too many arguments"},
		{"miner 70000", "its coldkey, its hotkey or its UID"},
		{"miners --status gone", "active"},
		{"positions --miner " + alice[:47] + "a", "checksum"},
		{"positions --netuid -1", "0 to 65535"},
		{"positions --status shut", "open"},
		{"positions --open --status open", "exclude each other"},
		{"positions --limit many", "0 or more"},
		{"positions --from 2026-01-02T00:00:00Z --until 2026-01-01T00:00:00Z", "is before"},
		{"trades --from someday", "yesterday, or 7d"},
		{"trades --from 1960", "after 1970"},
		{"trades --from 7d --during 2026-01", "exclude each other"},
		{"trades --csv --json", "--json and --csv exclude each other"},
		{"trades --tz Mars", "Europe/Zurich"},
		{"trades --sort size", "newest or oldest"},
		{"trades --archived=maybe", "too"},
		{"closes --trade 0", "1 or more"},
		{"position x", "1 or more"},
		{"trades --width 20", "60 or more"},
		{"trades --until 2026-01-01T00:00:00", "zone"},
		{"events --outcome lost", "applied, ignored or rejected"},
		{"trades --archived only", "--archived=only"},
		{"trades --limit 1 --top 2", "exclude each other"},
		{"trades --from 20000w", "or 7d (ago)"},
		{"report --json=maybe", "want true or false; see"},
		{"report -v=x", "want a whole number; see"},
		{"simulate --seed -1", "whole number of 0 or more; see"},
		{"simulate --span long", "7d, 36h or 90m"},
		{"archive --older-than 7d --before 7d", "exclude each other"},
		{"completion elvish", "see stakeledger completion --help"},
		{"register", "register COLDKEY"},
		{"register " + alice[:30], "coldkey"},
		{"register " + alice + " --hotkey " + bob, "give both or none"},
		{"register " + alice + " --uid 65536 --hotkey " + bob, "0 to 65535"},
		{"status " + alice, "status MINER"},
		{"status " + alice + " retired", "active"},
		{"sync", "sync FILE..."},
		{"sync - -", "given twice"},
		{"sync - --at someday", "RFC 3339"},
		{"sync - --at 1970-01-01T00:00:00Z", "after 1970"},
		{"verify extra", "takes no arguments"},
		{"verify --max -1", "0 or more"},
		{"rebuild", "--all"},
		{"rebuild --all " + alice, "one of them"},
		{"rebuild " + alice + " " + bob, "too many arguments"},
		{"rebuild nobody", "its coldkey, its hotkey or its UID"},
		{"simulate --miners 0", "1 or more"},
		{"simulate --events -5", "1 or more"},
		{"simulate --subnets 70000", "65535"},
		{"simulate --span 1s", "12s"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Setenv("STAKELEDGER_DB", file(t, "none.db"))
			r := run(t, "", strings.Fields(test.args)...)
			r.fails(t, exitUsage, test.part)
			if r.stdout != "" {
				t.Errorf("standard output: got %q, want nothing", r.stdout)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	if got := must(t, "", "--version"); !strings.HasPrefix(got, "stakeledger ") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want one line with the command's name", got)
	}
}

// commands are the root and all below it that are ours: cobra adds help and completion.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		if c.Name() != "help" && c.Name() != "completion" {
			all = append(all, commands(c)...)
		}
	}
	return all
}

func TestHelp(t *testing.T) {
	for _, cmd := range commands(newRoot(nil, nil, nil)) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
				t.Error("want a short and a long description, and an example")
			}
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
			text := must(t, "", args...)
			for line := range strings.SplitSeq(text, "\n") {
				if utf8.RuneCountInString(line) > maxWidth {
					t.Errorf("a line of more than %d columns: %s", maxWidth, line)
				}
			}
			for _, example := range examples(cmd) {
				if err := parses(example); err != nil {
					t.Errorf("example %q: %v", example, err)
				}
			}
		})
	}
	if !strings.Contains(must(t, "", "simulate", "--help"), "synthetic") {
		t.Error("the help of simulate does not say that the data is synthetic")
	}
	for _, code := range []string{"0  done", "1  failed", "2  wrong usage", "3  done, but events were rejected"} {
		if !strings.Contains(must(t, "", "--help"), code) {
			t.Errorf("the help does not say %q", code)
		}
	}
}

// examples are the calls of our command in a command's example.
func examples(cmd *cobra.Command) (calls []string) {
	for line := range strings.SplitSeq(strings.ReplaceAll(cmd.Example, "\\\n", " "), "\n") {
		for call := range strings.SplitSeq(line, " | ") {
			call, _, _ = strings.Cut(call, " > ")
			if strings.HasPrefix(strings.TrimSpace(call), "stakeledger ") {
				calls = append(calls, call)
			}
		}
	}
	return calls
}

// parses reports what is wrong with a call, without running it.
func parses(call string) error {
	cmd, args, err := newRoot(nil, nil, nil).Find(strings.Fields(call)[1:])
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(args); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
