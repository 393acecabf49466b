package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// script runs lines of a shell in a folder, with our command on its path. Of jq, where there is none, stands something
// that reads and prints what it is given.
func script(t *testing.T, folder, text string) (output string, err error) {
	t.Helper()
	shell, missing := exec.LookPath("bash")
	if missing != nil {
		t.Skip("no bash to run scripts with")
	}
	bin := t.TempDir()
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"stakeledger": asCommand + "=1 exec '" + self + "' \"$@\""}
	if _, missing := exec.LookPath("jq"); missing != nil {
		programs["jq"] = "exec cat"
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!"+shell+"\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(shell, "-euo", "pipefail", "-c", text)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(taostatsPage(1, 1, 16, 0, 15)) // for an example that reads a metagraph
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// TestEveryExampleRuns runs what the help of every command gives for an example, as it stands, in a folder that has the
// files and the ledger of which it speaks.
func TestEveryExampleRuns(t *testing.T) {
	base := exampleFolder(t)
	for _, cmd := range append(commands(newRoot(nil, nil, nil)), newHelp()) {
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.CopyFS(folder, os.DirFS(base)); err != nil {
				t.Fatal(err)
			}
			prepareExample(t, cmd, folder)
			for line := range strings.SplitSeq(strings.ReplaceAll(cmd.Example, "\\\n", " "), "\n") {
				if strings.Contains(line, "postgres://") {
					continue // somebody's server; the tests of copy have one of their own
				}
				// What lies elsewhere on a machine lies here below the folder.
				line = strings.NewReplacer(" /mnt/", " mnt/", " /var/", " var/").Replace(line)
				if output, err := script(t, folder, line); err != nil {
					t.Errorf("%s: %v: %s", strings.TrimSpace(line), err, output)
				}
			}
		})
	}
}

// prepareExample makes the folder what a command's examples suppose: restore finds no ledger, backup no file in its
// place, register an unknown miner, and sync's pages are those of a metagraph.
func prepareExample(t *testing.T, cmd *cobra.Command, folder string) {
	t.Helper()
	switch cmd.CommandPath() {
	case "stakeledger restore":
		if err := os.Remove(filepath.Join(folder, "ledger.db")); err != nil {
			t.Fatal(err)
		}
	case "stakeledger backup":
		if err := os.Remove(filepath.Join(folder, "mnt", "backup", "ledger-2026-01-01.db")); err != nil {
			t.Fatal(err)
		}
	case "stakeledger register":
		if err := os.Remove(filepath.Join(folder, "stakeledger.db")); err != nil {
			t.Fatal(err)
		}
	case "stakeledger sync":
		for i, page := range []string{taostatsPage(1, 2, 16, 0, 9), taostatsPage(2, 2, 16, 10, 15)} {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("page%d.json", i+1)), []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// exampleFolder has the files that examples name, and a ledger that a day's work has left well: twenty events on
// record of which the second and the last are sales, four that were rejected, UID 7, a backup, and nothing to warn of.
func exampleFolder(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	db := path("stakeledger.db")
	var lines, conflicts []string
	began := time.Now().UTC().Add(-20*24*time.Hour + 12*time.Hour)
	for i := range 20 {
		kind, alpha := "stake", "10"
		if i == 1 || i == 19 {
			kind, alpha = "unstake", "4"
		}
		at := began.Add(time.Duration(i) * 24 * time.Hour).Format(time.RFC3339)
		line := func(tao string) string {
			return event(fmt.Sprintf(`"extrinsic_id":"%d-1","block":%d,"netuid":64,"time":"%s","kind":"%s","alpha":"%s","tao":"%s"`, 1000+i, 1000*(i+1), at, kind, alpha, tao))
		}
		lines = append(lines, line("1"))
		if i < 4 {
			conflicts = append(conflicts, line("2"))
		}
	}
	balance := fmt.Sprintf(`[{"block_number":1001,"timestamp":"%s","hotkey":"%s","coldkey":"%s","netuid":64,"balance":"10000000000"}]`, began.Add(time.Hour).Format(time.RFC3339), bob, alice)
	for name, text := range map[string]string{
		"events.jsonl": events(lines...), "delegations.json": delegations(1, 1, 2, 1, 2), "page1.json": delegations(1, 2, 3, 3, 4), "page2.json": delegations(2, 2, 3, 5),
		"metagraph.json": "[" + metagraphLine(7, bob, alice) + "]", "balances.json": balance,
	} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.Create(path("more.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	w := gzip.NewWriter(packed)
	fmt.Fprintf(w, "coldkey,hotkey,kind,netuid,extrinsic_id,time,tao,alpha\n%s,%s,stake,1,9-1,2026-01-02T00:00:00Z,1,1\n", alice, bob)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	must(t, "", "--db", db, "ingest", path("events.jsonl"))
	run(t, events(conflicts...), "--db", db, "ingest", "-").fails(t, exitRejected, "rejected")
	must(t, "", "--db", db, "sync", path("metagraph.json"))
	for _, copied := range []string{"other.db", "ledger.db", "mnt/backup/ledger-2026-01-01.db", "var/lib/other/stakeledger.db"} {
		if err := os.MkdirAll(filepath.Dir(path(copied)), 0o700); err != nil {
			t.Fatal(err)
		}
		must(t, "", "--db", db, "backup", path(copied))
	}
	must(t, "", "--db", db, "verify")
	return folder
}

// TestNight runs a night's work without a hand on it: what is in testdata/night.sh.
func TestNight(t *testing.T) {
	text, err := os.ReadFile("testdata/night.sh")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	output, err := script(t, folder, string(text))
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, step := range []string{"ingest", "sync", "report", "weights", "why", "backup", "doctor", "kill", "again", "restore"} {
		if !slices.Contains(strings.Split(output, "\n"), "== "+step) {
			t.Errorf("got %s, want the step %s", output, step)
		}
	}
}
