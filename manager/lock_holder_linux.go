package manager

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// lockHolder is the process that holds the lock on f, with its name, if the
// system shows it; else 0.
func lockHolder(f *os.File) (pid int, who string) {
	table, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, ""
	}
	state, err := statFile(f.Name())
	if err != nil {
		return 0, ""
	}
	inode := fmt.Sprintf(":%d", state.id.inode)
	for line := range strings.Lines(string(table)) {
		// 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) {
			continue
		}
		pid, _ = strconv.Atoi(fields[4])
		name, _ := os.ReadFile("/proc/" + fields[4] + "/comm")
		return pid, strings.TrimSpace("process " + fields[4] + " " + string(name))
	}
	return 0, ""
}
