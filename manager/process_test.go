package manager_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/manager"
)

// childRoles are what this test binary does when it runs as another process. A role reads from standard
// input, says lines on standard output, and fails through its t like any test.
var childRoles = map[string]func(t *testing.T, args []string){}

const childVariable = "MANAGER_TEST_ROLE"

// TestChild is no test of its own: it plays the role that the parent process asked for.
func TestChild(t *testing.T) {
	role, args, _ := strings.Cut(os.Getenv(childVariable), "\x1f")
	if role == "" {
		return
	}
	childRoles[role](t, strings.Split(args, "\x1f"))
}

// childSay tells the parent a line.
func childSay(format string, args ...any) { fmt.Printf("> "+format+"\n", args...) }

// childHear waits for a line of the parent.
var childHear = sync.OnceValue(func() func() string {
	in := bufio.NewScanner(os.Stdin)
	return func() string { in.Scan(); return in.Text() }
})

// A child is another process of this test binary.
type child struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // what it said; closed when it ended
	rest  strings.Builder
}

// childStart starts a process that plays role. Set what its command needs in prepare.
func childStart(t testing.TB, role string, prepare func(*exec.Cmd), args ...string) *child {
	t.Helper()
	self := "/proc/self/exe" // also reaches a binary whose folder another user may not enter
	if _, err := os.Stat(self); err != nil {
		self = os.Args[0]
	}
	c := &child{cmd: exec.Command(self, "-test.run=^TestChild$", "-test.count=1", "-test.timeout=2m"), lines: make(chan string, 1<<16)}
	c.cmd.Env = append(os.Environ(), childVariable+"="+strings.Join(append([]string{role}, args...), "\x1f"))
	if prepare != nil {
		prepare(c.cmd)
	}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in, c.cmd.Stderr = in, c.cmd.Stdout
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill(); _ = c.cmd.Wait() })
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if said, ok := strings.CutPrefix(s.Text(), "> "); ok {
				c.lines <- said
			} else {
				c.rest.WriteString(s.Text() + "\n") // read after lines is closed
			}
		}
	}()
	return c
}

// childAsNobody makes the superuser's child an ordinary user, whom permissions bind.
func childAsNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

// tell sends the child a line.
func (c *child) tell(t testing.TB, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(c.in, line); err != nil {
		t.Errorf("tell child %q: %v", line, err)
	}
}

// said waits for the child's next line.
func (c *child) said(t testing.TB) string {
	t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			t.Fatalf("child ended: %s", c.rest.String())
		}
		return line
	case <-time.After(patience):
		t.Fatal("child says nothing")
		return ""
	}
}

// wait waits for the end of the child's role and fails as it did.
func (c *child) wait(t testing.TB) {
	t.Helper()
	_ = c.in.Close()
	for range c.lines {
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("child: %v\n%s", err, c.rest.String())
	}
}

// kill ends the child as a power failure or the kernel would: at once.
func (c *child) kill(t testing.TB) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	for range c.lines {
	}
	_ = c.cmd.Wait()
}

const (
	transferProcesses  = 4
	transferGoroutines = 4
	transfersEach      = 50
)

// transferMoney runs the goroutines of one process.
func transferMoney(t *testing.T, db *bankDB, process string, transfers int) {
	var done sync.WaitGroup
	for g := range transferGoroutines {
		done.Go(func() {
			worker := fmt.Sprintf("%s.%d", process, g)
			for seq := range int64(transfers) {
				payer, payee, amount := rand.Int64N(bankAccounts), rand.Int64N(bankAccounts-1), 1+rand.Int64N(bankBalance)
				if payee >= payer {
					payee++
				}
				err := db.WithTx(t.Context(), func(ctx context.Context, tx *bank) error {
					return tx.transfer(ctx, worker, seq, payer, payee, amount)
				})
				if err != nil {
					t.Errorf("worker %s: transfer %d: %v", worker, seq, err)
				}
			}
		})
	}
	done.Wait()
}

func init() {
	childRoles["transfer"] = func(t *testing.T, args []string) {
		var opts []manager.Option
		if args[2] == "without lock file" {
			opts = append(opts, manager.WithoutLockFile())
		}
		db := bankOpen(t, args[0], opts...)
		childSay("ready")
		childHear()()
		transferMoney(t, db, args[1], transfersEach)
	}
}

func TestProcessesShareAFile(t *testing.T) {
	for _, c := range []struct {
		name      string
		lockFile  string
		foreigner bool
	}{
		{"with the lock file", "with lock file", false},
		{"without the lock file", "without lock file", false},
		{"beside a program that knows no lock file", "with lock file", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := bankPath(t)
			db := bankOpen(t, path)
			bankFill(t, db)
			var children []*child
			for i := range transferProcesses {
				children = append(children, childStart(t, "transfer", nil, path, fmt.Sprint("process", i), c.lockFile))
			}
			for _, child := range children {
				if got, want := child.said(t), "ready"; got != want {
					t.Fatalf("child said %q, want %q", got, want)
				}
			}
			want := int64(transferProcesses * transferGoroutines * transfersEach)
			over := make(chan struct{})
			foreigner := start(func() error { return nil })
			foreign := int64(0)
			if c.foreigner {
				foreigner = start(func() (err error) {
					foreign, err = transferForeign(t, path, over)
					return err
				})
			}
			for _, child := range children {
				child.tell(t, "go")
			}
			for _, child := range children {
				child.wait(t)
			}
			close(over)
			if err := foreigner.wait(t).err; err != nil {
				t.Errorf("foreign connection: %v", err)
			}
			if c.foreigner && foreign == 0 {
				t.Error("the foreign connection made no transfer, want it to take part")
			}
			bankAudit(t, db, want+foreign)
		})
	}
}

// transferForeign moves money the way a program without the manager does, until over is closed.
func transferForeign(t *testing.T, path string, over chan struct{}) (transfers int64, err error) {
	raw := openRaw(t, path, "?_busy_timeout=10000&_txlock=immediate&_foreign_keys=1")
	for ; ; transfers++ {
		select {
		case <-over:
			return transfers, nil
		default:
		}
		tx, err := raw.Begin()
		if err != nil {
			return transfers, fmt.Errorf("begin: %w", err)
		}
		payer, payee := transfers%bankAccounts, (transfers+1)%bankAccounts
		var from, to int64
		err = errors.Join(
			tx.QueryRow("SELECT balance FROM accounts WHERE account_id = ?", payer).Scan(&from),
			tx.QueryRow("SELECT balance FROM accounts WHERE account_id = ?", payee).Scan(&to))
		amount := min(from, 7)
		for _, write := range []struct {
			query string
			args  []any
		}{
			{"UPDATE accounts SET balance = ? WHERE account_id = ?", []any{from - amount, payer}},
			{"UPDATE accounts SET balance = ? WHERE account_id = ?", []any{to + amount, payee}},
			{"INSERT INTO transfers (worker, seq, payer, payee, amount) VALUES ('foreign', ?, ?, ?, ?)", []any{transfers, payer, payee, amount}},
		} {
			_, e := tx.Exec(write.query, write.args...)
			err = errors.Join(err, e)
		}
		if err := errors.Join(err, tx.Commit()); err != nil {
			return transfers, err
		}
	}
}
