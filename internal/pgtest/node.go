package pgtest

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Node is a server of its own, for tests that stop it or have it follow another.
type Node struct {
	Dir  string // of its socket; its data is below, in "data"
	Name string // as those it follows know it

	t        testing.TB
	settings []string
	stop     *os.File
	cmd      *exec.Cmd
}

// nodeScript runs a server until its standard input ends.
const nodeScript = `
trap '' INT
postgres=$1 dir=$2
shift 2
"$postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=100 -c shared_buffers=64MB -c autovacuum=off \
  -c wal_keep_size=512MB -c wal_retrieve_retry_interval=200ms "$@" </dev/null >>"$dir/log" 2>&1 &
read _
kill -QUIT $! 2>/dev/null
wait $!`

// NewNode makes a node that has no data yet and does not run. Settings are those of
// the server, as "work_mem=4MB".
func NewNode(t testing.TB, name string, settings ...string) *Node {
	t.Helper()
	if Programs() == "" {
		t.Skip("PostgreSQL's programs are not installed; PG_BIN names their folder")
	}
	dir, err := os.MkdirTemp("/tmp", "pgnode-")
	if err != nil {
		t.Fatal(err)
	}
	if err := Hand(dir); err != nil {
		t.Fatal(err)
	}
	n := &Node{Dir: dir, Name: name, t: t}
	for _, s := range settings {
		n.settings = append(n.settings, "-c", s)
	}
	t.Cleanup(func() {
		n.Stop()
		_ = os.RemoveAll(dir)
	})
	return n
}

// Lead makes n a primary with an empty database, and starts it.
func (n *Node) Lead(database string) {
	n.t.Helper()
	n.run("initdb", "-D", n.Dir+"/data", "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	n.Start()
	n.run("createdb", "-h", n.Dir, "-U", "postgres", database)
}

// Follow makes n a fresh standby of a primary, and starts it.
func (n *Node) Follow(primary *Node) {
	n.t.Helper()
	n.Stop()
	if err := os.RemoveAll(n.Dir + "/data"); err != nil {
		n.t.Fatal(err)
	}
	n.run("pg_basebackup", "-D", n.Dir+"/data", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", n.Conninfo(primary))
	n.Start()
	primary.Await("SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = '" + n.Name + "' AND state = 'streaming'")
}

// Conninfo is how n connects to a primary.
func (n *Node) Conninfo(primary *Node) string {
	return "host=" + primary.Dir + " user=postgres application_name=" + n.Name
}

// URL is that of a database of the node.
func (n *Node) URL(database string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {n.Dir}, "user": {"postgres"}}.Encode()
}

// Start starts the server and waits until it answers.
func (n *Node) Start() {
	n.t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.cmd = exec.Command("/bin/sh", append([]string{"-c", nodeScript, "sh", filepath.Join(Programs(), "postgres"), n.Dir}, n.settings...)...)
	n.cmd.Stdin = in
	AsUser(n.cmd)
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	_ = in.Close()
	n.stop = out
	n.Await("SELECT true")
}

// Stop stops a server that runs, without a word to its clients.
func (n *Node) Stop() {
	if n.cmd == nil {
		return
	}
	_ = n.stop.Close()
	_ = n.cmd.Wait()
	n.cmd = nil
}

// Ask runs a query, as psql prints it.
func (n *Node) Ask(query string) (string, error) {
	return try("psql", "-h", n.Dir, "-U", "postgres", "-Atqc", query)
}

// Await waits until a query answers true.
func (n *Node) Await(query string) {
	n.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		answer, err := n.Ask(query)
		if answer == "t" {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(n.Dir + "/log")
			n.t.Fatalf("%s answers %q, %v to %s\n%s", n.Name, answer, err, query, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (n *Node) run(program string, args ...string) {
	n.t.Helper()
	if _, err := try(program, args...); err != nil {
		n.t.Fatal(err)
	}
}

// try runs one of PostgreSQL's programs.
func try(program string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(Programs(), program), args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PGCONNECT_TIMEOUT=5", "PGOPTIONS=-c synchronous_commit=local") // there may be no standby yet
	AsUser(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s", program, args, err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), err
}
