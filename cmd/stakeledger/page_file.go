package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// pageStart is what every page of ours begins with.
const pageStart = "<!doctype html>"

// replacePage puts a page at path in one step, so that a reader sees the old one or the new one. It only
// replaces another page: a typing error must not destroy a ledger.
func replacePage(path string, text []byte) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays
	}
	if err := checkReplaceable(path); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	err := replaceFile(path, text, true)
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // it would name a temporary file
	}
	switch folder := filepath.Dir(path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write report %s: %w; create the folder first: mkdir -p %s", path, err, folder)
	case err != nil:
		return fmt.Errorf("write report %s: %w; see who owns %s, its mode, and what room the disk has", path, err, folder)
	}
	return nil
}

// replaceFile puts text at path in one step, readable by its owner alone or by others too.
func replaceFile(path string, text []byte, forOthers bool) error {
	// In the same folder, since a rename must stay within a file system, and
	// hidden.
	f, err := os.CreateTemp(filepath.Dir(path), ".stakeledger-*"+filepath.Ext(path))
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil && forOthers {
		err = f.Chmod(0o644)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// checkReplaceable refuses to replace anything but a page.
func checkReplaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, len(pageStart))
	n, err := io.ReadFull(f, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if n > 0 && !bytes.EqualFold(start[:n], []byte(pageStart)) {
		return fmt.Errorf("%s exists and is not a page; remove it first, or name another file", path)
	}
	return nil
}
