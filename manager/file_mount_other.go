//go:build !linux

package manager

func isMountPoint(string) bool { return false }
