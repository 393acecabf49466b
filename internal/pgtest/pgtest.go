// Package pgtest gives tests a throw-away PostgreSQL: one server for each test
// binary, without fsync, on a socket in a folder of its own, and one database for
// each test. It looks for the server's programs in $PG_BIN, $PATH and
// /usr/lib/postgresql; where they are not installed, or the server does not
// start, the test is skipped and says why.
package pgtest

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Programs is the folder of PostgreSQL's programs, or "".
func Programs() string {
	if dir := os.Getenv("PG_BIN"); dir != "" {
		if whole(dir) {
			return dir
		}
		return ""
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && whole(filepath.Dir(path)) {
			return filepath.Dir(path)
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	found = slices.DeleteFunc(found, func(initdb string) bool { return !whole(filepath.Dir(initdb)) })
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) }))
}

// whole reports whether a folder has all programs that are needed.
func whole(dir string) bool {
	for _, program := range []string{"initdb", "postgres", "pg_isready", "createdb", "dropdb"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err != nil {
			return false
		}
	}
	return true
}

func version(initdb string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	return n
}

// Database returns the URL of an empty database for t alone, dropped when t ends.
func Database(t testing.TB) string {
	t.Helper()
	return one(t).database(t, "template0")
}

// Migrated is Database for one that migrate has filled: it runs once for each
// name, and every further database is a copy of its outcome.
func Migrated(t testing.TB, name string, migrate func(url string) error) string {
	t.Helper()
	s := one(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.templates[name] {
		if err := s.run("createdb", "-T", "template0", name); err != nil {
			t.Fatal(err)
		}
		if err := migrate(s.url(name)); err != nil {
			t.Fatalf("migrate the template %s: %v", name, err)
		}
		s.templates[name] = true
	}
	return s.database(t, name)
}

// A server is what this test binary has started.
type server struct {
	programs  string
	dir       string
	n         atomic.Int64
	mu        sync.Mutex
	templates map[string]bool
	stop      *os.File // its closing, by the end of the process at the latest, stops the server
}

var start = sync.OnceValues(func() (*server, error) {
	s := &server{programs: Programs(), templates: map[string]bool{}}
	if s.programs == "" {
		return nil, nil
	}
	err := s.start()
	if err != nil {
		_ = s.stop.Close()
		_ = os.RemoveAll(s.dir)
	}
	return s, err
})

func one(t testing.TB) *server {
	t.Helper()
	s, err := start()
	switch {
	case err != nil:
		t.Skipf("PostgreSQL does not start here: %v", err)
	case s == nil && os.Getenv("PG_BIN") != "":
		t.Skipf("PG_BIN=%s does not hold all of PostgreSQL's programs", os.Getenv("PG_BIN"))
	case s == nil:
		t.Skip("PostgreSQL's programs are not installed; PG_BIN names their folder")
	}
	return s
}

// script runs the server until its standard input ends, and leaves nothing.
const script = `
trap '' INT
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=400 \
  -c shared_buffers=64MB -c log_min_messages=fatal -c autovacuum=off </dev/null >"$2/log" 2>&1 &
read _
kill -QUIT $!
wait $!
rm -rf "$2"`

func (s *server) start() (err error) {
	if s.dir, err = os.MkdirTemp("/tmp", "pgtest-"); err != nil {
		return err
	}
	if err := Hand(s.dir); err != nil {
		return err
	}
	if err := s.run("initdb", "-D", s.dir+"/data", "--auth=trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", s.programs, s.dir)
	cmd.Stdin = in
	AsUser(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = in.Close()
	s.stop = out
	go func() { _ = cmd.Wait() }()
	deadline := time.Now().Add(time.Minute)
	for {
		if err = s.run("pg_isready", "-q"); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(s.dir + "/log")
			return fmt.Errorf("%w\n%s", err, log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// run runs one of PostgreSQL's programs.
func (s *server) run(program string, args ...string) error {
	if program != "initdb" {
		args = append([]string{"-h", s.dir, "-U", "postgres"}, args...)
		if program == "pg_isready" {
			args = []string{"-h", s.dir, "-q"}
		}
	}
	cmd := exec.Command(filepath.Join(s.programs, program), args...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	AsUser(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func (s *server) database(t testing.TB, template string) string {
	t.Helper()
	name := "t" + strconv.FormatInt(s.n.Add(1), 10)
	if err := s.run("createdb", "-T", template, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.run("dropdb", "--force", name); err != nil {
			t.Error(err)
		}
	})
	return s.url(name)
}

func (s *server) url(name string) string {
	return "postgres:///" + name + "?" + url.Values{"host": {s.dir}, "user": {"postgres"}}.Encode()
}
