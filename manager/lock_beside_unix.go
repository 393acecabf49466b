//go:build unix

package manager

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// openBeside opens a lock file beside database, and makes it if it is missing.
// It does not follow a symbolic link: in a folder that others may write it could
// lead anywhere. The file gets the database's owner and mode, like SQLite's own
// files, so that one user, such as root, does not lock the others out.
func openBeside(path, database string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrPermission) {
		if readable, readErr := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0); readErr == nil {
			f, err = readable, nil // enough for flock
		}
	}
	if err != nil {
		return nil, explainBeside(path, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Error{Op: "open lock file " + path, Kind: ErrUnsupported, Detail: "it is not a regular file; remove it"}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	copyOwner(f, database)
	return f, nil
}

// copyOwner gives f the owner and the mode of the database, as far as this
// process may. If it may not, another user gets an error when it opens f.
func copyOwner(f *os.File, database string) {
	own, err1 := f.Stat()
	theirs, err2 := os.Stat(database)
	if err1 != nil || err2 != nil {
		return
	}
	was, is := theirs.Sys().(*syscall.Stat_t), own.Sys().(*syscall.Stat_t)
	if was.Uid != is.Uid && os.Geteuid() == 0 || was.Gid != is.Gid {
		owner := -1
		if os.Geteuid() == 0 {
			owner = int(was.Uid)
		}
		_ = f.Chown(owner, int(was.Gid))
	}
	if mode := theirs.Mode().Perm() & 0o666; mode != own.Mode().Perm() {
		_ = f.Chmod(mode)
	}
}

// explainBeside adds the owner and mode of a lock file that could not be
// opened.
func explainBeside(path string, err error) error {
	e := &Error{Op: "open lock file " + path, Kind: ErrIO, Err: err}
	info, statErr := os.Lstat(path)
	switch {
	case errors.Is(err, syscall.ELOOP) || statErr == nil && info.Mode()&fs.ModeSymlink != 0:
		e.Kind, e.Detail = ErrUnsupported, "it is a symbolic link, which is not followed; remove it"
	case statErr == nil && errors.Is(err, fs.ErrPermission):
		e.Detail = fmt.Sprintf("the lock file belongs to %s and has mode %#o; give it the owner and mode of the database, or remove it while no program has the database open", ownerOf(info), info.Mode().Perm())
	}
	return e
}

func ownerOf(info fs.FileInfo) string {
	id := strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "user " + id
}
