package model

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// history is a whole case: how the ledger is opened, and what is done with it.
type history struct {
	setting
	ops []Op
}

// play runs a history on a fresh ledger and returns the operation after which the
// two sides differed, len(ops) for the end, and how. With whole it compares
// everything after every operation, otherwise only at the end.
func play(dir string, h history, whole bool) (at int, err error) {
	r, err := startRun(dir, h.setting)
	if err != nil {
		return 0, err
	}
	defer func() {
		if stopped := r.stop(); err == nil {
			err = stopped
		}
	}()
	for i, o := range h.ops {
		if err := r.step(o); err != nil {
			return i, fmt.Errorf("operation %d, %s: %w", i, o.Do, err)
		}
		if !whole {
			continue
		}
		if err := r.Whole(); err != nil {
			return i, fmt.Errorf("after operation %d, %s: %w", i, o.Do, err)
		}
	}
	return len(h.ops), r.finish()
}

// shrink removes from a failing history what it also fails without, in smaller and
// smaller chunks: first operations, then the events of inputs. At the deadline it
// returns what it has.
func shrink(dir string, h history, deadline time.Time) history {
	fails := func(h history) bool {
		_, err := play(dir, h, len(h.ops) < 30)
		return err != nil
	}
	if at, err := play(dir, h, false); err != nil && at < len(h.ops) {
		h.ops = h.ops[:at+1]
	}
	for before := -1; before != h.size() && time.Now().Before(deadline); {
		before = h.size()
		h.ops = leaveOut(h.ops, deadline, func(ops []Op) bool { return fails(history{h.setting, ops}) })
		for i := range h.ops {
			if h.ops[i].Do != "apply" {
				continue
			}
			with := func(events []Event) history {
				ops := append([]Op(nil), h.ops...)
				ops[i].Events = events
				return history{h.setting, ops}
			}
			h.ops[i].Events = leaveOut(h.ops[i].Events, deadline, func(events []Event) bool { return len(events) > 0 && fails(with(events)) })
		}
	}
	return h
}

func leaveOut[T any](list []T, deadline time.Time, fails func([]T) bool) []T {
	for chunk := max(1, len(list)/2); ; chunk /= 2 {
		for from := 0; from < len(list) && time.Now().Before(deadline); {
			less := append(append([]T(nil), list[:from]...), list[min(len(list), from+chunk):]...)
			if fails(less) {
				list = less
			} else {
				from += chunk
			}
		}
		if chunk <= 1 {
			return list
		}
	}
}

func (h history) size() (n int) {
	for _, o := range h.ops {
		n += 1 + len(o.Events)
	}
	return n
}

// String is the history in the form of kept cases: the setting, then one operation a line.
func (h history) String() string {
	var b strings.Builder
	line := func(v any) {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%s\n", text)
	}
	line(h.setting)
	for _, o := range h.ops {
		line(o)
	}
	return b.String()
}

func parseHistory(text string) (h history, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&h.setting); err != nil {
		return h, err
	}
	for d.More() {
		var o Op
		if err := d.Decode(&o); err != nil {
			return h, err
		}
		h.ops = append(h.ops, o)
	}
	return h, nil
}
