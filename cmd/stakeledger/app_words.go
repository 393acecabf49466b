package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stakeledger/stakeledger/ledger"
	"github.com/stakeledger/stakeledger/manager"
)

// kindWords say what an error of the manager means to an operator, and what to do about
// it.
var kindWords = map[error]struct{ what, next string }{
	manager.ErrBusy:          {"the file is in use", "let the other program end (fuser names it), or wait longer with --timeout"},
	manager.ErrReadOnly:      {"it cannot be written", "see who owns the file and its folder, and their modes"},
	manager.ErrFull:          {"the disk is full", "free space there and run the same command again; nothing is half done"},
	manager.ErrCorrupt:       {"the file is damaged, or no SQLite database", "stakeledger verify says more; stakeledger restore makes the ledger from a backup"},
	manager.ErrIO:            {"the disk or filesystem failed", "look at the system's log; run the same command again once the disk is well"},
	manager.ErrClosed:        {"the ledger is being closed", "run the same command again"},
	manager.ErrQueueFull:     {"too much waits to be written", "run the same command again"},
	manager.ErrTxAborted:     {"SQLite rolled it back", "nothing of it happened; run the same command again"},
	manager.ErrTxDone:        {"the transaction has ended", "run the same command again"},
	manager.ErrCommitUnknown: {"it is not known whether this was recorded", "run the same command again: what was recorded counts once"},
	manager.ErrWrongFile:     {"the file belongs to another program", "--db names the ledger's file"},
	manager.ErrTooNew:        {"a newer stakeledger wrote the file", "install that version, or name another file with --db"},
	manager.ErrFileMoved:     {"the file was moved, removed or replaced while it was open", "put it right and run the same command again"},
	manager.ErrUnsupported:   {"this cannot be done", ""},
	manager.ErrUnique:        {"a row is there already", "stakeledger verify looks for the reason"},
	manager.ErrForeignKey:    {"a row refers to one that is missing", "stakeledger verify looks for the reason"},
	manager.ErrCheck:         {"the ledger's own rules refused a value", "stakeledger verify looks for the reason"},
	manager.ErrNotNull:       {"a value is missing", "stakeledger verify looks for the reason"},
}

// serverWords replace some of kindWords if the ledger is in a server's database.
var serverWords = map[error]struct{ what, next string }{
	manager.ErrBusy:      {"the server is busy, or restarts", "see whether it runs (pg_isready), or wait longer with --timeout"},
	manager.ErrReadOnly:  {"it cannot be written", "see whether the server is a standby, and what its user may do"},
	manager.ErrFull:      {"the server has no room left", "free space there and run the same command again; nothing is half done"},
	manager.ErrCorrupt:   {"the server finds the ledger damaged", "stakeledger verify and the server's log say more"},
	manager.ErrIO:        {"the server cannot be reached, or its disk failed", "see whether it runs (pg_isready), and its log; then run the same command again"},
	manager.ErrTxAborted: {"the server rolled it back", "nothing of it happened; run the same command again"},
	manager.ErrWrongFile: {"it belongs to another program", "--db names the ledger's database"},
	manager.ErrTooNew:    {"a newer stakeledger wrote it", "install that version, or name another ledger with --db"},
}

// wordsOf is what a kind of error means.
func (a *app) wordsOf(kind error) struct{ what, next string } {
	if words, differs := serverWords[kind]; differs && a.onServer() {
		return words
	}
	return kindWords[kind]
}

// forProgrammers finds clauses that only help the author of a program: those with Go names or with options of the
// manager.
var forProgrammers = regexp.MustCompile(`[a-z][A-Z]|[A-Za-z]\.[A-Z]|\b(With|Open|Begin|Read|Save|After)[A-Z]|\*sql\b|\b(DB|SQL)\.|` +
	`\b(Backup|Restore|Maintain|Close|Open|Unchecked|Commit|Rollback|Label|RETURNING|DBTX|PRAGMA|ctx|closures?|emit_\w+|[a-z]\w*\.\w+\()`)

// explainError is the text of an error for an operator: the manager's own texts are replaced by what they mean, with
// the file and the next step.
func (a *app) explainError(err error) string {
	text := err.Error()
	for _, e := range managerErrors(err) {
		text = strings.Replace(text, e.Error(), a.inWords(e), 1)
	}
	return text
}

// managerErrors are the outermost errors of the manager in err.
func managerErrors(err error) (found []*manager.Error) {
	switch e := err.(type) {
	case nil:
	case *manager.Error:
		found = append(found, e)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			found = append(found, managerErrors(inner)...)
		}
	default:
		found = managerErrors(errors.Unwrap(err))
	}
	return found
}

// inWords says what was attempted with which file, what went wrong, and what to do.
func (a *app) inWords(e *manager.Error) string {
	op := strings.TrimSuffix(strings.ReplaceAll(e.Op, "PRAGMA ", ""), " read-only")
	if forProgrammers.MatchString(a.maskPaths(op)) || op == "" {
		op = "run a statement"
	}
	words := a.wordsOf(e.Kind)
	detail := a.plainDetail(e.Detail)
	cause := ""
	if e.Err != nil {
		cause = a.explainError(e.Err)
	}
	switch {
	case !a.onServer() && errors.Is(e, fs.ErrNotExist): // a server's socket is a file too
		words.what, words.next, detail = "there is no such file or folder", a.missingFolder(e), ""
	case errors.Is(e, fs.ErrExist):
		words.what, words.next = "there is a file already", ""
	case e.Kind == manager.ErrIO && (errors.Is(e, fs.ErrPermission) || strings.HasSuffix(cause, "permission denied")):
		words.what, words.next = "it may not be read", kindWords[manager.ErrReadOnly].next
	case strings.HasSuffix(detail, "not a regular file"):
		words.next = "give the path of a file"
	case e.Kind == manager.ErrUnsupported && detail == "":
		words.next = "stakeledger version says what this program is built from; report this"
	case e.Kind == manager.ErrBusy && strings.Contains(detail, " holds "):
		words.next = "--timeout waits longer"
	case e.Kind == manager.ErrReadOnly && e.Err == nil && detail == "":
		words.next = "the command only reads"
	}
	if a.isOther && isOfContents(e) {
		words.next = "give another file"
	}
	if words.next != "" {
		detail = advice.ReplaceAllString(detail, "")
	}
	text := op + ": "
	if says := op + detail + cause; !strings.Contains(says, filepath.Base(a.name())) && !(a.onServer() && strings.Contains(says, "://")) {
		text = op + " (" + a.name() + "): "
	}
	var parts []string
	for _, part := range []string{words.what, detail, cause} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text += strings.Join(parts, ": ")
	if words.next != "" {
		text += "; " + words.next
	}
	return text
}

// isOfContents reports whether an operation failed because of the contents of a
// file.
func isOfContents(err error) bool {
	return errors.Is(err, manager.ErrCorrupt) || errors.Is(err, manager.ErrWrongFile) || errors.Is(err, manager.ErrTooNew) || errors.Is(err, ledger.ErrSchema)
}

// advice matches the manager's own advice, which the command's replaces.
var advice = regexp.MustCompile(`; (give another path|use a newer program|(restore|take another) a? ?backup)\b`)

// ofFile is an error about a file that is read beside the ledger: another ledger, a backup.
type ofFile struct {
	error
	text string
}

func (e *ofFile) Error() string { return e.text }
func (e *ofFile) Unwrap() error { return e.error }

// about marks an error as being about another file than the ledger's.
func about(file string, err error) error {
	if err == nil {
		return nil
	}
	return &ofFile{err, (&app{db: file, isOther: true}).explainError(err)}
}

// plainDetail is a detail without the clauses for programmers.
func (a *app) plainDetail(detail string) string {
	var kept []string
	for clause := range strings.SplitSeq(detail, "; ") {
		if forProgrammers.MatchString(a.maskPaths(clause)) {
			clause, _, _ = strings.Cut(clause, " (")
		}
		if clause != "" && !forProgrammers.MatchString(a.maskPaths(clause)) {
			kept = append(kept, clause)
		}
	}
	return strings.Join(kept, "; ")
}

var pathPattern = regexp.MustCompile(`\S*[/\\]\S*`)

// maskPaths is text without paths, which may be spelled in any way.
func (a *app) maskPaths(text string) string {
	return pathPattern.ReplaceAllString(strings.ReplaceAll(text, a.db, "file"), "file")
}

// missingFolder names the folder that has to be made first, if it is a folder that is missing.
func (a *app) missingFolder(e *manager.Error) string {
	path, folder := a.db, filepath.Dir(a.db)
	if at := (*fs.PathError)(nil); errors.As(e, &at) {
		if !strings.Contains(e.Op, a.db) || at.Op == "stat" {
			path, folder = at.Path, filepath.Dir(at.Path)
		}
		if at.Op == "lstat" && path == at.Path { // of a folder on the way
			folder = at.Path
		}
	}
	if _, err := os.Stat(folder); err == nil {
		return "give the path of a file that is there"
	}
	return "create the folder first: mkdir -p " + folder
}
