// Command mutants asks whether the tests would notice. It makes mistakes in the
// library's code, one at a time, and runs the tests. A mistake that no test
// notices is a promise without a test.
//
//	go run ./tools/mutants                       all, in half an hour on two cores
//	go run ./tools/mutants -run 'rollback|queue' those whose name, package or theme matches
//	go run ./tools/mutants -n                    only whether all of them still apply
//
// The mistakes are in tools/mutants/*.txt, a file for each theme. An entry is a
// name, four keys, and the change as diff prints it: "-" goes, "+" comes, a
// space stays.
//
//	== BUSY is not retried
//	in: manager
//	by: ./manager TestForeignLock.*|TestBusyCommit.*
//	why: the caller gets the "database is locked" that the manager exists to end
//	-(e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
//	+(e.Code == sqlite3.ErrLocked)
//
//	in     the folder of the code. Its .go and .sql files, tests aside, must hold
//	       the text once; which of them does is not said, so code may move. The
//	       text may begin and end within a line.
//	by     the packages whose tests must notice, and a pattern of the tests that
//	       run first; where they do not notice, all tests of the packages run.
//	why    what the mistake would break.
//	lives  why no test can notice. Only a mutant that is known to live has it.
//
// A line that begins with # is a comment.
//
// The tree is left alone: the go command reads the mutated file through its
// -overlay flag. The exit code is 1 when a mutant lives whose entry does not say
// why, when one no longer applies or does not compile, and when the tests fail
// without any.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

func main() {
	pattern := flag.String("run", "", "only the mutants whose name, package or theme this regular expression matches")
	jobs := flag.Int("j", 2, "how many to run at a time")
	dry := flag.Bool("n", false, "only look whether they apply")
	sound := flag.Bool("sound", true, "first look whether the tests pass without any")
	timeout := flag.Duration("timeout", 90*time.Second, "how long the tests that are asked first may take, before a mutant counts as noticed")
	flag.Parse()
	if err := run(*pattern, *jobs, *dry, *sound, *timeout); err != nil {
		fmt.Fprintf(os.Stderr, "mutants: %v\n", err)
		os.Exit(1)
	}
}

func run(pattern string, jobs int, dry, sound bool, timeout time.Duration) error {
	chosen, err := choose(pattern)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return fmt.Errorf("make room for the mutated files: %w", err)
	}
	defer os.RemoveAll(dir)
	overlays, err := overlay(dir, chosen)
	if err != nil {
		return err
	}
	if dry {
		fmt.Printf("%d mutants apply\n", len(chosen))
		return nil
	}
	if sound {
		if err := checkSound(chosen); err != nil {
			return err
		}
	}
	c := count{}
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan int)
	for range max(1, jobs) {
		workers.Go(func() {
			for i := range next {
				v := judge(chosen[i], overlays[i], timeout)
				mu.Lock()
				fmt.Println(v)
				c.add(v)
				mu.Unlock()
			}
		})
	}
	for i := range chosen {
		next <- i
	}
	close(next)
	workers.Wait()
	fmt.Println(c)
	return c.err()
}

// choose picks the mutants that a pattern matches.
func choose(pattern string) ([]mutant, error) {
	re, err := regexp.Compile("(?i)" + pattern)
	if err != nil {
		return nil, fmt.Errorf("read -run: %w", err)
	}
	all, err := list(os.DirFS("tools/mutants"))
	if err != nil {
		return nil, err
	}
	var chosen []mutant
	for _, m := range all {
		if re.MatchString(m.name) || re.MatchString(m.pkg) || re.MatchString(m.theme) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant in tools/mutants (from the root of the module) matches %q", pattern)
	}
	return chosen, nil
}

// count is the number of verdicts of each kind.
type count struct {
	noticed, explained, alive, broken int
	alarms                            []string
}

func (c *count) add(v verdict) {
	switch {
	case v.broken:
		c.broken++
	case v.noticed:
		c.noticed++
	case v.mutant.lives != "":
		c.explained++
	default:
		c.alive++
	}
	if v.alarm() {
		c.alarms = append(c.alarms, v.mutant.name)
	}
}

func (c count) String() string {
	return fmt.Sprintf("%d mutants: %d killed, %d live for a reason, %d survived, %d do not compile",
		c.noticed+c.explained+c.alive+c.broken, c.noticed, c.explained, c.alive, c.broken)
}

func (c count) err() error {
	if len(c.alarms) == 0 {
		return nil
	}
	return fmt.Errorf("see to: %s", strings.Join(c.alarms, "; "))
}
