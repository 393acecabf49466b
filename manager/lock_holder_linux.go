package manager

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// tableReads is how often the system's table of locks is read before it counts as not naming a holder: it is read in
// pieces, and a line is skipped where locks before it are released between two of them.
const tableReads = 5

// lockHolder is the process that holds the lock on f, with its name, if the
// system shows it; else 0.
func lockHolder(f *os.File) (pid int, who string) {
	state, err := statFile(f.Name())
	if err != nil {
		return 0, ""
	}
	inode := fmt.Sprintf(":%d", state.id.inode)
	for range tableReads {
		table, err := os.ReadFile("/proc/locks")
		if err != nil {
			return 0, ""
		}
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
	}
	return 0, ""
}
