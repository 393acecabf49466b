package manager

import (
	"fmt"
	"os"
	"strings"
)

// lockHolder names the process that holds the lock on f, if the system shows it.
func lockHolder(f *os.File) string {
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	state, err := statFile(f.Name())
	if err != nil {
		return ""
	}
	inode := fmt.Sprintf(":%d", state.id.inode)
	for line := range strings.Lines(string(table)) {
		// 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) {
			continue
		}
		name, _ := os.ReadFile("/proc/" + fields[4] + "/comm")
		return strings.TrimSpace("process " + fields[4] + " " + string(name))
	}
	return ""
}
