package manager

import (
	"runtime"
	"strconv"
	"strings"
)

// callerLabel names a transaction by the source line, outside this package and
// database/sql, that began it: "store.go:42".
func callerLabel() label {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "database/sql.") && !strings.Contains(f.Function, "/manager.(*sqlConn).") && !strings.Contains(f.Function, "/manager.(*sqlTx).") && !strings.HasPrefix(f.Function, "runtime.") {
			return label{name: "BeginTx at " + f.File[strings.LastIndexByte(f.File, '/')+1:] + ":" + strconv.Itoa(f.Line)}
		}
		if !more {
			return label{name: "BeginTx"}
		}
	}
}

// statementLabel names the transaction of one statement: by its sqlc name, or by
// how its text begins.
func statementLabel(query string) label {
	if name, _ := queryName(query); name != "" {
		return label{name: name}
	}
	const length = 40
	text := strings.Join(strings.Fields(query[:min(len(query), 4*length)]), " ")
	if len(text) > length {
		text = text[:length] + "…"
	}
	return label{name: "SQL: " + text}
}
