package manager

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// A label names a transaction: what the caller said, or the function that the
// transaction was written in, spelled out only when somebody reads it.
type label struct {
	name    string
	site    *labelSite
	callers []uintptr // from newLabel's caller on, while the site is not settled
	caller  uintptr   // the frame that names it, where the site is a wrapper's
}

// newLabel is called by the functions that callers call, directly.
func newLabel(name string, fn any) label {
	if name != "" {
		return label{name: name}
	}
	const above = 2 // runtime.Callers and newLabel
	site := labelSites.siteOf(reflect.ValueOf(fn).Pointer())
	switch depth := site.depth.Load(); {
	case depth > 0:
		var caller [1]uintptr
		runtime.Callers(above+int(depth), caller[:])
		return label{site: site, caller: caller[0]}
	case site.isDecided():
		return label{site: site}
	}
	l := label{site: site, callers: make([]uintptr, labelDepth)}
	l.callers = l.callers[:runtime.Callers(above, l.callers)]
	site.noteCall(l.callers)
	return l
}

// String returns "ledger.(*Ledger).AddPosition" for a closure written there.
func (l *label) String() string {
	if l == nil {
		return ""
	}
	if l.site == nil {
		return l.name
	}
	l.findCaller()
	caller := l.caller
	if depth := int(l.site.depth.Load()); 0 < depth && depth < len(l.callers) {
		caller = l.callers[depth]
	}
	if caller != 0 {
		return shortName(framesOf([]uintptr{caller})[0].Function)
	}
	return l.site.writtenName()
}

// findCaller finds out, where it is called from inside the closure, whether what runs
// in it was given to it by a caller: then the closure is a wrapper's, and that
// caller names the transaction.
func (l *label) findCaller() {
	if l != nil && l.callers != nil && !l.site.isDecided() {
		l.walkCallers()
	}
}

func (l *label) walkCallers() {
	var pcs [64]uintptr
	inner := framesOf(pcs[:runtime.Callers(2, pcs[:])])
	for i, f := range inner {
		if f.Entry == l.site.pc {
			l.site.findWrapper(inner[:i], framesOf(l.callers))
			return
		}
	}
}

// framesOf is one frame for each of pcs, which runtime.Callers wrote.
func framesOf(pcs []uintptr) (list []runtime.Frame) {
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		list = append(list, f)
		if !more {
			return list
		}
	}
}

// shortName shortens a function's name to its package and the function that was
// written last: closures in it count as it, and of one that was inlined the name
// has before it what it was inlined into.
func shortName(function string) string {
	parts := nameParts(function)
	last := parts[1:]
	for i := len(last) - 2; i >= 0; i-- {
		if closureSuffix(last[i]) || strings.HasSuffix(last[i], "-fm") {
			last = last[i+1:]
			break
		}
	}
	isPointer := func(i int) bool { return strings.HasPrefix(last[i], "(*") }
	switch n := len(last); {
	case n <= 2:
	case isPointer(n-3) && !isPointer(n-2):
		last = last[n-1:]
	default: // a method's type and name, as far as can be known
		last = last[n-2:]
	}
	return parts[0] + "." + strings.TrimSuffix(strings.Join(last, "."), "-fm") // a method value
}

// nameParts cuts a function's name into its package, the functions and types
// around it, and the function that was written last.
func nameParts(function string) []string {
	name := function[strings.LastIndexByte(function, '/')+1:]
	parts := strings.Split(strings.ReplaceAll(name, "[...]", ""), ".")
	for len(parts) > 2 && closureSuffix(parts[len(parts)-1]) {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// closureSuffix reports whether s is what the compiler adds for a closure:
// func1, gowrap1, or a number.
func closureSuffix(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "func"), "gowrap")
	return strings.Trim(s, "0123456789") == ""
}

// isWrittenIn reports whether function is the one that closure was written in. Where
// that is inlined into another, the closure's name has the other's before it.
func isWrittenIn(function, closure string) bool {
	f, c := nameParts(function), nameParts(closure)
	if len(c) > len(f) {
		return slices.Equal(f[1:], c[len(c)-len(f)+1:])
	}
	return slices.Equal(f, c)
}
