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
	name = name[strings.LastIndexByte(name, '/')+1:]
	for {
		i := strings.LastIndexByte(name, '.')
		if i < 0 || !closureSuffix(name[i+1:]) {
			return strings.TrimSuffix(name, "[...]")
		}
		name = name[:i]
	}
}

// closureSuffix reports whether s is what the compiler adds for a closure:
// func1, func2.1, gowrap1, or -fm for a method value.
func closureSuffix(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "func"), "gowrap")
	return strings.Trim(s, "0123456789") == ""
}
