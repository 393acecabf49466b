package manager

import (
	"reflect"
	"runtime"
	"strings"
)

// A label names a transaction: what the caller said, or the function its
// closure was written in, which is found by the closure's code and spelled out
// only when somebody reads it.
type label struct {
	name string
	pc   uintptr
}

func newLabel(name string, fn any) label {
	if name != "" {
		return label{name: name}
	}
	return label{pc: reflect.ValueOf(fn).Pointer()}
}

// String returns "ledger.(*Ledger).AddPosition" for a closure written there.
func (l *label) String() string {
	if l == nil {
		return ""
	}
	if l.name != "" || l.pc == 0 {
		return l.name
	}
	name := runtime.FuncForPC(l.pc).Name()
	name = strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm") // a method value
	parts := strings.Split(strings.ReplaceAll(name, "[...]", ""), ".")
	for i := 2; i < len(parts); i++ { // package and function stay
		if closureSuffix(parts[i]) {
			parts = parts[:i]
		}
	}
	return strings.Join(parts, ".")
}

// closureSuffix reports whether s is what the compiler adds for a closure:
// func1, gowrap1, or a number.
func closureSuffix(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "func"), "gowrap")
	return strings.Trim(s, "0123456789") == ""
}
