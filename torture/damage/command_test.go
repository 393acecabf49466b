package damage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/torture/effort"
)

// commands are what the command line is asked of a damaged ledger, in any order.
var commands = [][]string{
	{"report"}, {"report", "--json"}, {"report", "--html", "page.html"}, {"miners"}, {"miners", "--json"}, {"miner", "5"},
	{"positions", "--limit", "0"}, {"positions", "--json"}, {"positions", "--open"}, {"trades"}, {"trades", "--json"}, {"events", "--limit", "0"},
	{"events", "--json"}, {"events", "--outcome", "rejected"}, {"scores", "--lookback", "60"}, {"scores", "--json"}, {"weights"},
	{"snapshot", "take"}, {"snapshot", "list"}, {"snapshot", "list", "--json"}, {"snapshot", "prune", "--before", "2025-04-01T00:00:00Z"},
	{"archive", "--before", "2025-04-01T00:00:00Z"}, {"verify"}, {"verify", "--json", "--max", "0"}, {"rebuild", "--all"}, {"rebuild", "--all", "--json"},
	{"backup", "backup.db"}, {"migrate", "status"}, {"migrate", "up"}, {"policy"}, {"ingest", "events.jsonl"},
}

// crashed is what a program writes that Go or the kernel ended.
var crashed = regexp.MustCompile(`(?m)^(panic:|fatal error:|SIG|goroutine \d)`)

func TestCommandsOnDamagedLedgers(t *testing.T) {
	seed := effort.Seed(t)
	template := makeLedger(t, seed)
	program := filepath.Join(t.TempDir(), "stakeledger")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.Command("go", "build", "-o", program, "./cmd/stakeledger")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	input, err := exec.Command(program, "simulate", "--events", "40", "--miners", "3", "--seed", fmt.Sprint(seed%1000)).Output()
	if err != nil {
		t.Fatalf("simulate events: %v", err)
	}
	file, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	for i := range effort.Count(3, 200) {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		folder := t.TempDir()
		path := filepath.Join(folder, "ledger.db")
		err := errors.Join(os.WriteFile(path, file, 0o600), os.WriteFile(filepath.Join(folder, "events.jsonl"), input, 0o600))
		if err != nil {
			t.Fatal(err)
		}
		var damage string
		if r.IntN(4) == 0 {
			damage, err = spoilBytes(r, path)
		} else {
			damage, _, err = spoilRows(r, path)
		}
		if err != nil {
			t.Fatalf("damage (%s): %v", damage, err)
		}
		for _, n := range r.Perm(len(commands)) {
			if failure := runCommand(program, folder, commands[n]); failure != "" {
				t.Errorf("SEED=%d, case %d: %s\n%v: %s", seed, i, damage, commands[n], failure)
			}
		}
	}
}

// runCommand runs a command and says how it failed to answer. Any exit code is an answer.
func runCommand(program, folder string, args []string) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--db", "ledger.db"}, args...)...)
	cmd.Dir, cmd.WaitDelay = folder, time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "does not end"
	case crashed.Match(complaint.Bytes()):
		return complaint.String()
	case err != nil && !errors.As(err, &exit), exit != nil && exit.ExitCode() < 0:
		return err.Error()
	}
	return ""
}
