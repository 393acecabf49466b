package power

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// A Disk is what may be found of the files when the power fails. It follows a
// log entry by entry.
type Disk struct {
	names map[string]*name
	open  map[int]*file
	marks []string
}

// A name leads to a file, or to none. Which of the later ones is found is open
// until the folder is synced.
type name struct {
	synced *file
	later  []*file
}

func (n *name) now() *file {
	if len(n.later) > 0 {
		return n.later[len(n.later)-1]
	}
	return n.synced
}

// NewDisk is the disk as it was before the log.
func NewDisk(l *Log) *Disk {
	d := &Disk{names: map[string]*name{}, open: map[int]*file{}}
	for path, content := range l.Before {
		d.names[path] = &name{synced: &file{synced: content, size: int64(len(content))}}
	}
	return d
}

// Follow applies the next entry.
func (d *Disk) Follow(op Op) {
	switch op.Kind {
	case Opened:
		n := d.named(string(op.Data))
		if n.now() == nil {
			n.later = append(n.later, &file{})
		}
		d.open[op.Handle] = n.now()
	case Wrote, Truncated:
		d.open[op.Handle].change(op)
	case Synced:
		d.open[op.Handle].sync()
	case Deleted:
		if n := d.named(string(op.Data)); n.now() != nil {
			n.later = append(n.later, nil)
		}
	case FolderSynced:
		for _, n := range d.names {
			n.synced, n.later = n.now(), nil
		}
	case Marked:
		d.marks = append(d.marks, string(op.Data))
	}
}

func (d *Disk) named(path string) *name {
	if d.names[path] == nil {
		d.names[path] = &name{}
	}
	return d.names[path]
}

// Marks are what has been acknowledged to the application so far. The slice is
// valid until the next entry.
func (d *Disk) Marks() []string { return d.marks }

// Found is one way in which the files may be found now: of each file what was
// synced and any part of what was written since, torn anywhere; each name as
// it was when the folder was synced, or at any moment since.
func (d *Disk) Found(r *rand.Rand) map[string][]byte {
	found := map[string][]byte{}
	for _, path := range slices.Sorted(maps.Keys(d.names)) { // so that a seed always gives the same disk
		n := d.names[path]
		f := n.now()
		if choice := r.IntN(2 * (1 + len(n.later))); choice == 0 {
			f = n.synced
		} else if choice < len(n.later) {
			f = n.later[choice-1]
		}
		if f != nil {
			found[path] = f.found(r)
		}
	}
	return found
}

// Lay writes files, and nothing else, into folder, which it empties first.
func Lay(files map[string][]byte, folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(folder, path), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
