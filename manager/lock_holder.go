package manager

import "os"

// LockHolder names the process that holds the lock file of the database at path, such as "process 1234 program"; it is
// empty if none does or the system does not show it. It never blocks.
func LockHolder(path string) string {
	f, err := os.Open(lockPath(path))
	if err != nil {
		return ""
	}
	defer f.Close()
	_, who := lockHolder(f)
	return who
}
