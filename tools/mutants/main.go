// Command mutants asks whether the tests would notice. It takes a list of
// mistakes (see list), each a text of the library's code and what to write in
// its place, and runs the tests with one of them at a time. A mistake that no
// test notices is a promise without a test.
//
//	go run ./tools/mutants                       all, in half an hour on two cores
//	go run ./tools/mutants -run 'rollback|queue' those whose name or file matches
//	go run ./tools/mutants -n                    only look whether all of them still apply
//
// The tree is left alone: the go command reads the mutated file through its
// -overlay flag. Of each mutant the tests that ought to notice are asked first,
// and where they do not, all tests of its packages.
//
// The exit code is 1 when a mutant lives whose entry does not say why, when one
// no longer applies or does not compile, and when the tests fail without any.
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
	pattern := flag.String("run", "", "only the mutants whose name or file this regular expression matches")
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
	var chosen []mutant
	for _, m := range list() {
		if re.MatchString(m.name) || re.MatchString(m.file) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no mutant matches %q", pattern)
	}
	return chosen, nil
}

// count is how many mutants met which end.
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
