package manager

import (
	"fmt"
	"os"
)

// checkPlace refuses a file whose log another program may look for elsewhere:
// beside another hard link, or outside of a container that was given only the
// file. Each program would then write, and checkpoint, without the other's log.
func (co *core) checkPlace(mayRemove bool) error {
	op := "open " + co.path
	file, err := statFile(co.path)
	if err != nil {
		return nil
	}
	if file.links > 1 && !co.isHalfRenamed(file, mayRemove) {
		return &Error{Op: op, Kind: ErrUnsupported, Detail: fmt.Sprintf("the file has %d names (hard links), and its log lies beside one of them only; remove the others (find -samefile), or use a copy", file.links)}
	}
	if isMountPoint(co.path) {
		return &Error{Op: op, Kind: ErrUnsupported, Detail: "the file itself is a mount point, so that its log is not where others look for it; mount its folder"}
	}
	return nil
}

// isHalfRenamed reports whether the other hard link is the temporary name of a
// copy that was killed right after it got its final name, or is about to remove
// it.
func (co *core) isHalfRenamed(file fileState, mayRemove bool) bool {
	other := co.path + partialSuffix
	partial, err := statFile(other)
	if err != nil || partial.id != file.id || file.links != 2 {
		now, err := statFile(co.path)
		return err == nil && now.links == 1
	}
	if mayRemove {
		_ = os.Remove(other)
	}
	return true
}
