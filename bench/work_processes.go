package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"
)

const (
	processes  = 4
	perProcess = 4
)

// processWork has several processes writing to one file, each with a few
// goroutines. The program runs itself again for each. Rounds are longer here,
// since processes take turns of many milliseconds.
func processWork(contenders ...Contender) Workload {
	return Workload{
		Name:       fmt.Sprintf("write, %d processes of %d goroutines, FULL", processes, perProcess),
		Unit:       "tx",
		Contenders: contenders,
		Run: func(ctx context.Context, b *Bench, c Contender, path string) (Sample, error) {
			s, err := runProcesses(ctx, c, path, 4*b.Round)
			if err == nil {
				err = checkEvents(path, b.Template.Events+processes*warmUps+int(s.Ended))
			}
			return s, err
		},
	}
}

// An order is what a child process reads first.
type order struct {
	Contender string
	Path      string
	First     int // its first miner
	Round     time.Duration
	Events    int // to apply, for the ledger
}

func runProcesses(ctx context.Context, c Contender, path string, round time.Duration) (Sample, error) {
	children := make([]*child, processes)
	for i := range children {
		var err error
		if children[i], err = startChild(ctx, order{Contender: c.Name, Path: path, First: i * perProcess, Round: round}); err != nil {
			return Sample{}, fmt.Errorf("start process %d: %w", i+1, err)
		}
		defer children[i].stop()
	}
	for i, p := range children { // all are warm before any begins
		if err := p.await(); err != nil {
			return Sample{}, fmt.Errorf("warm up process %d: %w", i+1, err)
		}
	}
	for _, p := range children {
		if err := p.begin(); err != nil {
			return Sample{}, err
		}
	}
	all := Sample{Elapsed: round, Errors: map[string]int{}, Figures: map[string]float64{}}
	var each []float64
	for i, p := range children {
		s, err := p.finish()
		if err != nil {
			return Sample{}, fmt.Errorf("wait for process %d: %w", i+1, err)
		}
		each = append(each, s.PerSecond())
		all.Done = append(all.Done, s.Done...)
		all.Waits = append(all.Waits, s.Waits...)
		all.Ended += s.Ended
		all.Used = all.Used.plus(s.Used)
		for message, n := range s.Errors {
			all.Errors[message] += n
		}
	}
	all.Figures["slowest process / fastest"] = slices.Min(each) / max(slices.Max(each), 1)
	return all, nil
}

// A child is this program running once more, under orders on its standard input.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startChild(ctx context.Context, o order) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd, in, bufio.NewReader(out)}, json.NewEncoder(in).Encode(o)
}

func (p *child) await() error {
	line, err := p.out.ReadString('\n')
	if err == nil && line != "ready\n" {
		err = errors.New(line)
	}
	return err
}

func (p *child) begin() error {
	_, err := io.WriteString(p.in, "begin\n")
	return err
}

func (p *child) finish() (s Sample, err error) {
	if err := json.NewDecoder(p.out).Decode(&s); err != nil {
		return s, err
	}
	return s, p.cmd.Wait()
}

// stop ends a child that failed or whose siblings did; one that finished has
// been waited for.
func (p *child) stop() {
	if p.cmd.ProcessState == nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
}

// serve is the child's side: orders in, "ready" out, "begin" in, a Sample out.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	if !lines.Scan() {
		return errors.New("read the orders: the input ended")
	}
	var o order
	if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	if o.Contender == ledgerApply.Name {
		s, err := serveApply(ctx, o)
		if err != nil {
			return err
		}
		return json.NewEncoder(out).Encode(s)
	}
	c, err := find(o.Contender)
	if err != nil {
		return err
	}
	w, err := openWriters(ctx, c, o.Path, Full, o.First, perProcess)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	if !lines.Scan() {
		return errors.New("wait for the beginning: the input ended")
	}
	s := w.measure(ctx, o.Round)
	if err := w.store.Close(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(s)
}
