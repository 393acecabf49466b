//go:build !linux

package manager

import "time"

// Here the files are checked each time.

type openFolder struct{}

func (openFolder) of(string)                        {}
func (openFolder) close()                           {}
func (openFolder) lastChange() (folderChange, bool) { return folderChange{}, false }

type folderChange struct{}

func (folderChange) granularity() time.Duration { return 0 }
