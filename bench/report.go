package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/stakeledger/stakeledger/bench/floor"
)

// A Report is everything that one run measured, and the machine.
type Report struct {
	Began    time.Time `json:"began"`
	Machine  Machine   `json:"machine"`
	Settings Settings  `json:"settings"`
	Tables   []Table   `json:"tables"`
}

// A Machine is what the numbers depend on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	OS     string `json:"os"`
	Go     string `json:"go"`
	SQLite string `json:"sqlite"`
}

func newReport(s Settings) *Report {
	r := &Report{Began: time.Now().UTC(), Settings: s, Machine: Machine{
		CPU: cpu(), Cores: runtime.GOMAXPROCS(0), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), SQLite: floor.Version(),
	}}
	fmt.Printf("%s, %d cores, %s, %s, SQLite %s (the driver's; zombiezen brings its own)\n",
		r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go, r.Machine.SQLite)
	fmt.Printf("%d rounds of %v, interleaved; medians of throughput; %d events in the database before.\n", s.Rounds, s.Round, s.History)
	fmt.Printf("\"×C time\": how many times as long as in C. \"ours×\": how many times the throughput stakeledger has. For each operation: CPU of all cores, and how many times that of C; calls into C; allocations of Go's heap.\n")
	fmt.Printf("  %-24s %s\n", floorName, floorAbout)
	for _, c := range append([]Contender{databaseSQL, ours, oursAlone, ledgerCalls, ledgerApply}, contenders[1:]...) {
		fmt.Printf("  %-24s %s\n", c.Name, c.About)
	}
	return r
}

func (r *Report) add(t Table) {
	r.Tables = append(r.Tables, t)
	t.print(os.Stdout)
}

func (r *Report) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return err
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	fmt.Printf("\nEverything measured: %s (took %v)\n", path, time.Since(r.Began).Round(time.Second))
	return nil
}

// cpu names the processor, or is empty if the system does not say.
func cpu() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				return strings.TrimLeft(strings.TrimSpace(name), ": \t")
			}
		}
	}
	return "unknown processor"
}
