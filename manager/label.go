package manager

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// A label names a transaction: by the caller's choice, or by the function that
// its closure was written in. The text is made only when it is read.
type label struct {
	name    string
	site    *labelSite
	callers []uintptr // from newLabel's caller on, while the site is not decided
	caller  uintptr   // the frame that names it, if the site is a wrapper's
}

// newLabel must be called directly by the exported function, since it counts
// stack frames.
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

// findCaller, called from inside the closure, finds out whether the closure calls a
// function that its own caller passed in: then the closure is a wrapper's, and that
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

func framesOf(pcs []uintptr) (list []runtime.Frame) {
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		list = append(list, f)
		if !more {
			return list
		}
	}
}

// shortName shortens a function's name to its package and the innermost named
// function: closures count as the function they are in, and an inlined one loses
// the prefix of the function that it was inlined into.
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
	default: // a method's type and name, as far as the text shows
		last = last[n-2:]
	}
	return parts[0] + "." + strings.TrimSuffix(strings.Join(last, "."), "-fm") // a method value
}

// nameParts splits a function's name into its package, the functions and types
// around it, and the innermost named function.
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

// isWrittenIn reports whether closure was written in function. If function was
// inlined into another, the closure's name has the other's name as a prefix.
func isWrittenIn(function, closure string) bool {
	f, c := nameParts(function), nameParts(closure)
	if len(c) > len(f) {
		return slices.Equal(f[1:], c[len(c)-len(f)+1:])
	}
	return slices.Equal(f, c)
}
