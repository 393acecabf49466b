package power

import "strings"

// Kind is what an entry of the record says. The numbers are those of recorder.h.
type Kind uint32

// The kinds of entries.
const (
	Opened       Kind = 1 + iota // Data is the file's name; the file is created if it was not there
	Wrote                        // Data at Offset
	Truncated                    // to the size Offset
	Synced                       // everything written to the file is on the disk
	Deleted                      // Data is the file's name
	FolderSynced                 // the names are on the disk
	Marked                       // Data is what the application was told by then
)

// An Op is one entry of the record.
type Op struct {
	Kind   Kind
	Handle int // of the open file; others use the number that Opened gave it
	Offset int64
	Data   []byte
}

// A Log is a record: the files as they lay on the disk before it, and what happened.
type Log struct {
	Before map[string][]byte
	Ops    []Op
}

// Count is how many entries are of a kind.
func (l *Log) Count(kind Kind) (n int) {
	for _, op := range l.Ops {
		if op.Kind == kind {
			n++
		}
	}
	return n
}

// WithoutSyncs is the log of the same work on a disk that lies: it answers
// that a file whose name ends so is synced, and does nothing. The suffix
// "folder" means the syncs of the folder.
func (l *Log) WithoutSyncs(suffix string) *Log {
	lying := &Log{Before: l.Before}
	names := map[int]string{}
	for _, op := range l.Ops {
		switch op.Kind {
		case Opened:
			names[op.Handle] = string(op.Data)
		case Synced:
			if strings.HasSuffix(names[op.Handle], suffix) {
				continue
			}
		case FolderSynced:
			if suffix == "folder" {
				continue
			}
		}
		lying.Ops = append(lying.Ops, op)
	}
	return lying
}
