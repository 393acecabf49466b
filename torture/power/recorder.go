package power

/*
#cgo CFLAGS: -O2 -std=gnu11
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
#include <stdlib.h>
#include "recorder.h"
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // brings the SQLite that recorder.c calls
)

// Install makes SQLite's connections of this process, from now on, go through
// the recorder. Call it before anything is recorded.
func Install() error {
	if C.recorder_install() != 0 {
		return errors.New("install the recorder: the default VFS of SQLite is not that of Unix")
	}
	return nil
}

// Record records what work does to the disk below folder through SQLite. What
// lies in folder when it begins is taken to be on the disk. Connections must be
// opened by work and closed when it returns. There is one recording at a time.
func Record(folder string, work func(mark func(text string)) error) (*Log, error) {
	before, err := readFolder(folder)
	if err != nil {
		return nil, err
	}
	prefix := C.CString(folder + string(filepath.Separator))
	defer C.free(unsafe.Pointer(prefix))
	C.recorder_start(prefix)
	workErr := work(func(text string) {
		c := C.CString(text)
		defer C.free(unsafe.Pointer(c))
		C.recorder_mark(c, C.size_t(len(text)))
	})
	var length C.size_t
	var failed C.int
	c := C.recorder_stop(&length, &failed)
	defer C.free(unsafe.Pointer(c))
	if workErr != nil {
		return nil, workErr
	}
	if failed != 0 {
		return nil, errors.New("record: a write failed, or memory ran out")
	}
	ops, err := decode(C.GoBytes(unsafe.Pointer(c), C.int(length)), folder)
	return &Log{Before: before, Ops: ops}, err
}

func readFolder(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if kept(e.Name()) {
			if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// kept reports whether a file is a part of the database that a disk keeps: the
// shared memory and the lock file hold nothing that must survive.
func kept(name string) bool {
	return !strings.HasSuffix(name, "-shm") && !strings.HasSuffix(name, "-lock")
}

// decode takes the recorder's bytes apart.
func decode(b []byte, folder string) ([]Op, error) {
	var ops []Op
	for len(b) > 0 {
		var e C.entry
		if len(b) < int(unsafe.Sizeof(e)) {
			return nil, errors.New("record: it ends within an entry")
		}
		op := Op{
			Kind:   Kind(binary.NativeEndian.Uint32(b)),
			Handle: int(binary.NativeEndian.Uint32(b[4:])),
			Offset: int64(binary.NativeEndian.Uint64(b[8:])),
		}
		length := binary.NativeEndian.Uint64(b[16:])
		b = b[unsafe.Sizeof(e):]
		if uint64(len(b)) < length {
			return nil, errors.New("record: it ends within an entry's data")
		}
		op.Data, b = b[:length:length], b[length:]
		if op.Kind == Opened || op.Kind == Deleted {
			name, err := filepath.Rel(folder, string(op.Data))
			if err != nil || strings.ContainsRune(name, filepath.Separator) {
				return nil, fmt.Errorf("record: %q does not lie in %s itself", op.Data, folder)
			}
			op.Data = []byte(name)
		}
		ops = append(ops, op)
	}
	return ops, nil
}
