package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how far the work is; elsewhere it is silent.
type progress struct {
	w     io.Writer
	shown bool
	name  string
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, shown: ok && term.IsTerminal(int(f.Fd()))}
}

// show draws how much of a total is done.
func (p *progress) show(name string, done, total int64) {
	if !p.shown {
		return
	}
	if p.bar == nil || p.name != name {
		p.finish()
		p.name, p.bar = name, progressbar.NewOptions64(max(1, total),
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(name), progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(20), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	_ = p.bar.Set64(min(done, max(1, total))) // a bar that cannot be drawn is no reason to stop
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
