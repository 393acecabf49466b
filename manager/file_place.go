package manager

import (
	"fmt"
	"os"
)

// checkPlace refuses a file whose log another program may look for elsewhere:
// beside another name of it, or outside of a container that was given the file
// alone. Each would write, and checkpoint, without the other's log.
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

// isHalfRenamed reports whether the other name is that of a copy which was
// killed, or is about to remove it, after it had given the file its own.
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
