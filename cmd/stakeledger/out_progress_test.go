package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/ledger"
)

func TestProgress(t *testing.T) {
	for _, test := range []struct {
		name string
		on   bool
		want []string
	}{
		{"on a terminal", true, []string{"events.jsonl: staging", "2000", "events.jsonl: applying", "50%", "500/1000"}},
		{"elsewhere", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			p := newProgress(&out, "events.jsonl")
			if p.shown {
				t.Fatal("a buffer was taken for a terminal")
			}
			p.shown = test.on
			p.show(ledger.Progress{Phase: ledger.Staging, Done: 2000})
			p.show(ledger.Progress{Phase: ledger.Applying, Done: 500, Total: 1000})
			p.finish()
			if !test.on && out.Len() > 0 {
				t.Errorf("got %q, want silence", out.String())
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got %q, want it to say %q", out.String(), want)
				}
			}
			if last := out.String()[strings.LastIndex(out.String(), "\r")+1:]; strings.TrimSpace(last) != "" {
				t.Errorf("left behind: %q", last)
			}
		})
	}
}
