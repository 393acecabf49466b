package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/stakeledger/stakeledger/ledger"
)

// progressBar shows progress on a terminal; elsewhere it prints nothing.
type progressBar struct {
	w     io.Writer
	name  string
	shown bool // on a terminal
	phase ledger.Phase
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer, name string) *progressBar {
	return &progressBar{w: w, name: cutText(name, 30), shown: isTerminal(w)}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show draws what the ledger says.
func (p *progressBar) show(now ledger.Progress) {
	if !p.shown {
		return
	}
	if p.bar == nil || p.phase != now.Phase {
		p.finish()
		p.phase, p.bar = now.Phase, p.newBar(now)
	}
	_ = p.bar.Set64(now.Done) // failing to draw must not stop the work
}

// newBar is a bar, or a spinner with a counter while the total is unknown.
func (p *progressBar) newBar(now ledger.Progress) *progressbar.ProgressBar {
	total := now.Total
	if total == 0 {
		total = -1
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(p.name+": "+string(now.Phase)),
		progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // drawn by show alone, without a goroutine
		progressbar.OptionClearOnFinish(),
	)
}

// finish removes the bar, so that the next output starts on an empty line.
func (p *progressBar) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
