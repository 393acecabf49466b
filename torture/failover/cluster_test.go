package failover_test

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
)

// A node is one server.
type node struct {
	t    testing.TB
	dir  string // of its socket, with its data below
	name string // as the others know it
	stop *os.File
	cmd  *exec.Cmd
}

// A cluster is a primary with two standbys.
type cluster struct {
	t       testing.TB
	nodes   []*node
	primary *node
}

// script runs a server until its standard input ends.
const script = `
trap '' INT
"$1" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=100 -c shared_buffers=64MB -c autovacuum=off \
  -c wal_keep_size=512MB -c wal_retrieve_retry_interval=200ms -c synchronous_standby_names='ANY 1 (n0, n1, n2)' </dev/null >>"$2/log" 2>&1 &
read _
kill -QUIT $! 2>/dev/null
wait $!`

func startCluster(t testing.TB) *cluster {
	t.Helper()
	if pgtest.Programs() == "" {
		t.Skip("PostgreSQL's programs are not installed; PG_BIN names their folder")
	}
	c := &cluster{t: t}
	for i := range 3 {
		dir, err := os.MkdirTemp("/tmp", "failover-")
		if err != nil {
			t.Fatal(err)
		}
		if err := pgtest.Hand(dir); err != nil {
			t.Fatal(err)
		}
		n := &node{t: t, dir: dir, name: fmt.Sprint("n", i)}
		t.Cleanup(func() {
			n.end()
			_ = os.RemoveAll(dir)
		})
		c.nodes = append(c.nodes, n)
	}
	c.primary = c.nodes[0]
	run(t, "initdb", "-D", c.primary.dir+"/data", "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	c.primary.start()
	for _, n := range c.nodes[1:] {
		c.join(n)
	}
	run(t, "createdb", "-h", c.primary.dir, "-U", "postgres", "ledger")
	return c
}

// run runs one of PostgreSQL's programs.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := try(program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func try(program string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(pgtest.Programs(), program), args...)
	cmd.Dir, cmd.Env = "/", append(os.Environ(), "LC_ALL=C", "PGCONNECT_TIMEOUT=5")
	pgtest.AsUser(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w: %s", program, args, err, bytes.TrimSpace(out))
	}
	return strings.TrimSpace(string(out)), err
}

// start starts a server and waits until it answers.
func (n *node) start() {
	n.t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.cmd = exec.Command("/bin/sh", "-c", script, "sh", filepath.Join(pgtest.Programs(), "postgres"), n.dir)
	n.cmd.Stdin = in
	pgtest.AsUser(n.cmd)
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	_ = in.Close()
	n.stop = out
	n.await("SELECT true")
}

// end stops a server that runs.
func (n *node) end() {
	if n.cmd == nil {
		return
	}
	_ = n.stop.Close()
	_ = n.cmd.Wait()
	n.cmd = nil
}

// await waits until a query answers t.
func (n *node) await(query string) {
	n.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		answer, err := n.ask(query)
		if answer == "t" {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(n.dir + "/log")
			n.t.Fatalf("%s answers %q, %v to %s\n%s", n.name, answer, err, query, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (n *node) ask(query string) (string, error) {
	return try("psql", "-h", n.dir, "-U", "postgres", "-Atqc", query)
}

// kill kills a server as the loss of its machine does: all of its processes at once.
func (n *node) kill() {
	n.t.Helper()
	text, err := os.ReadFile(n.dir + "/data/postmaster.pid")
	if err != nil {
		n.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // so that it starts no other
		n.t.Fatal(err)
	}
	for _, child := range children(pid) {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		n.t.Fatal(err)
	}
	n.end()
}

func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// join makes a server a fresh standby of the primary.
func (c *cluster) join(n *node) {
	c.t.Helper()
	n.end()
	if err := os.RemoveAll(n.dir + "/data"); err != nil {
		c.t.Fatal(err)
	}
	run(c.t, "pg_basebackup", "-D", n.dir+"/data", "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", c.follow(n))
	n.start()
	c.primary.await("SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = '" + n.name + "' AND state = 'streaming'")
}

// follow is how n connects to the primary.
func (c *cluster) follow(n *node) string {
	return "host=" + c.primary.dir + " user=postgres application_name=" + n.name
}

// failOver kills the primary and promotes the standby that has received more, whom the other one follows then.
func (c *cluster) failOver() (gap time.Duration) {
	c.t.Helper()
	began, lost := time.Now(), c.primary
	lost.kill()
	var best, other *node
	var most string
	for _, n := range c.nodes {
		if n == lost {
			continue
		}
		received, err := n.ask("SELECT lpad((pg_last_wal_receive_lsn() - '0/0')::text, 20, '0')")
		if err != nil {
			c.t.Fatal(err)
		}
		if best, other = n, best; received < most {
			best, other = other, best
		}
		most = max(most, received)
	}
	c.primary = best
	if answer, err := best.ask("SELECT pg_promote(true, 60)"); answer != "t" {
		c.t.Fatalf("promote %s: %s, %v", best.name, answer, err)
	}
	gap = time.Since(began)
	for _, text := range []string{"ALTER SYSTEM SET primary_conninfo = '" + c.follow(other) + "'", "SELECT pg_reload_conf()"} {
		if _, err := other.ask(text); err != nil {
			c.t.Fatal(err)
		}
	}
	c.primary.await("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
	return gap
}

// url leads to whichever server is the primary, each through its own proxy.
func (c *cluster) url(proxies []*pgtest.Proxy) string {
	var hosts []string
	for _, p := range proxies {
		u, err := url.Parse(p.URL)
		if err != nil {
			c.t.Fatal(err)
		}
		hosts = append(hosts, u.Query().Get("host"))
	}
	return "postgres:///ledger?" + url.Values{"host": {strings.Join(hosts, ",")}, "user": {"postgres"}, "target_session_attrs": {"read-write"}}.Encode()
}

// proxies are one before each server.
func (c *cluster) proxies() (list []*pgtest.Proxy) {
	for _, n := range c.nodes {
		list = append(list, pgtest.NewProxy(c.t, "postgres:///ledger?host="+n.dir))
	}
	return list
}
