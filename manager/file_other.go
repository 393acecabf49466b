//go:build !unix

package manager

import "os"

// On other systems an open file cannot be replaced.

type fileID struct{ path string }

type fileState struct {
	id    fileID
	size  int64
	links uint64
}

func statFile(path string) (fileState, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}, err
	}
	return fileState{fileID{path}, info.Size(), 1}, nil
}

type walFile struct{}

func (*walFile) reopen(string) {}
func (*walFile) close()        {}
func (*walFile) isWhole() bool { return true }
func (*walFile) wasCut() bool  { return false }
