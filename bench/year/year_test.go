package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func runYear(t *testing.T, args ...string) (out, progress string, err error) {
	t.Helper()
	var o, p bytes.Buffer
	err = run(context.Background(), append([]string{"-dir", t.TempDir()}, args...), &o, &p)
	return o.String(), p.String(), err
}

// A short year goes through every operation and ends verified; no progress shows
// where there is no terminal.
func TestShortYear(t *testing.T) {
	out, progress, err := runYear(t, "-json", "-days", "8", "-miners", "16", "-subnets", "4", "-events", "1500", "-slice", "400")
	if err != nil {
		t.Fatal(err)
	}
	if progress != "" {
		t.Errorf("progress: got %q, want none", progress)
	}
	var y Year
	if err := json.Unmarshal([]byte(out), &y); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, o := range y.Operations {
		counts[o.Name] = o.Count
		if o.Median > o.P99 || o.P99 > o.Max || o.Total <= 0 {
			t.Errorf("%s: got %+v, want median, p99 and maximum in order", o.Name, o)
		}
	}
	for name, want := range map[string]int{
		"Apply": 8 * 24, "SyncMetagraph": 8 * 24, "MinerByUID": 8 * 24 * 4, "TakeSnapshots (all miners)": 8, "Scores (21 days)": 8,
		"ArchiveClosedPositions (a week)": 1, "PruneSnapshots (a week)": 1, "Backup": 1, "Verify": 1,
	} {
		if counts[name] != want {
			t.Errorf("%s: got %d calls, want %d", name, counts[name], want)
		}
	}
	last := y.Months[len(y.Months)-1]
	if y.Verified.Events < 1400 || last.Events != y.Verified.Events || last.Live == 0 || last.Snapshot == 0 {
		t.Errorf("got %d events verified and %+v in the end, want most of 1,500 in both", y.Verified.Events, last)
	}
	if len(y.Triggers.Stages) != 3 || y.Triggers.Triggers == 0 || y.Triggers.Stages[0].Turns != 20 {
		t.Errorf("triggers: got %+v", y.Triggers)
	}
}

func TestArchiveBesideWriters(t *testing.T) {
	out, _, err := runYear(t, "-beside", "-scale", "0.0005", "-writers", "4", "-alone", "100ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"500 positions, 50 trades and 500 closes archived", "beside archiving", "alone again"} {
		if !strings.Contains(out, want) {
			t.Errorf("got %q, want %q in it", out, want)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"-scale", "0"}, {"-scale", "2"}, {"-miners", "1"}, {"-alone", "-1s"}, {"something"}} {
		if out, _, err := runYear(t, args...); err == nil || out != "" {
			t.Errorf("%q: got %v and %q, want an error alone", args, err, out)
		}
	}
}
