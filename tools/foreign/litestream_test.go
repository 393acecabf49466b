package foreign

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const litestream = "github.com/benbjohnson/litestream/cmd/litestream@v0.5.18"

// start runs a program until the test or kill ends it.
func start(t *testing.T, path string, args ...string) (kill func()) {
	t.Helper()
	c := exec.Command(path, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	t.Cleanup(kill)
	return kill
}

// A replica that Litestream makes of a ledger while it is written, with both
// killed on the way, is restored whole: an earlier state, which verify accepts.
func TestLitestreamReplicates(t *testing.T) {
	extended(t)
	dir := t.TempDir()
	t.Setenv("GOBIN", dir)
	t.Setenv("CGO_ENABLED", "1")
	run(t, dir, "go", "install", litestream)
	run(t, root(t), "go", "build", "-o", dir, "./cmd/stakeledger")
	stakeledger, replicator := filepath.Join(dir, "stakeledger"), filepath.Join(dir, "litestream")
	db, replica := filepath.Join(dir, "ledger.db"), "file://"+filepath.Join(dir, "replica")

	var files []string
	for i := range 8 {
		files = append(files, filepath.Join(dir, fmt.Sprint("events", i, ".jsonl")))
		events := run(t, dir, stakeledger, "simulate", "--events", "3000", "--seed", fmt.Sprint(i), "--start", fmt.Sprintf("2025-%02d-01T00:00:00Z", i+1))
		if err := os.WriteFile(files[i], []byte(events), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recorded := func(path string) []string {
		t.Helper()
		return strings.Split(run(t, dir, stakeledger, "--db", path, "events", "--jsonl"), "\n")
	}
	restores := 0
	restore := func() (string, error) {
		restores++
		path := filepath.Join(dir, fmt.Sprint("restored", restores, ".db"))
		out, err := exec.Command(replicator, "restore", "-o", path, replica).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		return path, err
	}

	run(t, dir, stakeledger, "--db", db, "ingest", files[0])
	first := recorded(db)
	killReplicator := start(t, replicator, "replicate", db, replica)
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		_, err := restore()
		if err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("no replica after a minute: %v", err)
		}
	}
	for _, file := range files[1:5] {
		run(t, dir, stakeledger, "--db", db, "ingest", file)
	}
	killIngest := start(t, stakeledger, "--db", db, "ingest", files[5])
	killReplicator()
	killIngest()

	path, err := restore()
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, stakeledger, "--db", path, "verify")
	got, all := recorded(path), recorded(db)
	known := map[string]bool{}
	for _, event := range all {
		known[event] = true
	}
	for _, event := range got {
		if !known[event] {
			t.Fatalf("the replica has an event that the ledger lacks: %s", event)
		}
	}
	if len(got) < len(first) {
		t.Errorf("the replica has %d events, the ledger had %d before it began", len(got), len(first))
	}
	t.Logf("killed: the replica has %d of %d events", len(got), len(all))

	start(t, replicator, "replicate", db, replica)
	for _, file := range files[5:] {
		run(t, dir, stakeledger, "--db", db, "ingest", file)
	}
	for began, all := time.Now(), len(recorded(db)); ; time.Sleep(100 * time.Millisecond) {
		path, err := restore()
		if err == nil && len(recorded(path)) == all {
			run(t, dir, stakeledger, "--db", path, "verify")
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the replica lacks events a minute after the last: %v", err)
		}
	}
	run(t, dir, stakeledger, "--db", db, "verify")
}
