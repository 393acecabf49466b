package failover_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/internal/pgtest"
)

// A cluster is a primary with two standbys.
type cluster struct {
	t       testing.TB
	nodes   []*pgtest.Node
	primary *pgtest.Node
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	for i := range 3 {
		c.nodes = append(c.nodes, pgtest.NewNode(t, fmt.Sprint("n", i), "synchronous_standby_names=ANY 1 (n0, n1, n2)"))
	}
	c.primary = c.nodes[0]
	c.primary.Lead("ledger")
	for _, n := range c.nodes[1:] {
		n.Follow(c.primary)
	}
	return c
}

// kill kills a server as the loss of its machine does: all of its processes at once.
func kill(t testing.TB, n *pgtest.Node) {
	t.Helper()
	text, err := os.ReadFile(n.Dir + "/data/postmaster.pid")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // so that it starts no other
		t.Fatal(err)
	}
	for _, child := range children(pid) {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n.Stop()
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

// failOver kills the primary and promotes the standby that has received more, whom the other one follows then.
func (c *cluster) failOver() (gap time.Duration) {
	c.t.Helper()
	began, lost := time.Now(), c.primary
	kill(c.t, lost)
	var best, other *pgtest.Node
	var most string
	for _, n := range c.nodes {
		if n == lost {
			continue
		}
		received, err := n.Ask("SELECT lpad((pg_last_wal_receive_lsn() - '0/0')::text, 20, '0')")
		if err != nil {
			c.t.Fatal(err)
		}
		if best, other = n, best; received < most {
			best, other = other, best
		}
		most = max(most, received)
	}
	c.primary = best
	if answer, err := best.Ask("SELECT pg_promote(true, 60)"); answer != "t" {
		c.t.Fatalf("promote %s: %s, %v", best.Name, answer, err)
	}
	gap = time.Since(began)
	for _, text := range []string{"ALTER SYSTEM SET primary_conninfo = '" + other.Conninfo(best) + "'", "SELECT pg_reload_conf()"} {
		if _, err := other.Ask(text); err != nil {
			c.t.Fatal(err)
		}
	}
	c.primary.Await("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'")
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
		list = append(list, pgtest.NewProxy(c.t, n.URL("ledger")))
	}
	return list
}
