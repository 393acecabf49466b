package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// terminal is where a command prints, with what it needs to know of it.
type terminal struct {
	io.Writer
	app *app
}

const (
	leastWidth = 60  // columns of a table at least
	mostWidth  = 200 // and at most
)

// terminalWidth is how many columns a table on w may have; 0: any number, with every value whole.
func terminalWidth(w io.Writer) int {
	out, ok := w.(*terminal)
	switch {
	case !ok:
		return maxWidth
	case *out.app.wide:
		return 0
	case out.app.width.value != nil:
		return int(*out.app.width.value)
	}
	f, ok := out.Writer.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if given, bad := strconv.Atoi(os.Getenv("COLUMNS")); bad == nil && given > 0 {
		columns, err = given, nil
	}
	if err != nil {
		return maxWidth
	}
	return min(max(columns, leastWidth), mostWidth)
}

// hasColour reports whether to print colours on w, see https://no-color.org.
func hasColour(w io.Writer) bool {
	out, ok := w.(*terminal)
	return ok && isTerminal(out.Writer) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func parseWidth(s string) (int64, error) {
	n, err := parseCount(s)
	if err != nil || n != 0 && n < leastWidth {
		return 0, fmt.Errorf("want %d or more, or 0 for any number", leastWidth)
	}
	return n, nil
}
