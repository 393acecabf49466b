package manager

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/stakeledger/stakeledger/manager/internal/csqlite"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A pragma is a setting of a connection that is read back after it was set,
// since SQLite ignores what it does not know or cannot do.
type pragma struct{ name, value, want string }

func (p pragma) set(c DriverConn) error {
	if _, err := readPragma(c, p.name+" = "+p.value); err != nil {
		return wrap("set PRAGMA "+p.name, "", "", err)
	}
	got, err := readPragma(c, p.name)
	if err != nil {
		return wrap("read PRAGMA "+p.name, "", "", err)
	}
	if !strings.EqualFold(got, p.want) {
		return &Error{Op: "set PRAGMA " + p.name, Kind: ErrUnsupported, Detail: fmt.Sprintf("wanted %s, SQLite kept %s; is the database in use in another journal mode, or on a network filesystem?", p.want, got)}
	}
	return nil
}

// readPragma returns the single value of a pragma, or "".
func readPragma(c DriverConn, name string) (string, error) {
	return readValue(c, "PRAGMA "+name)
}

// readValue returns the first value of a query on a driver connection, or "".
func readValue(c DriverConn, query string) (value string, err error) {
	r, err := c.QueryContext(context.Background(), query, nil)
	if err != nil {
		return "", err
	}
	defer func() { err = cmp.Or(err, r.Close()) }()
	row := make([]driver.Value, len(r.Columns()))
	if err := r.Next(row); err == io.EOF || len(row) == 0 {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return fmt.Sprint(row[0]), nil
}

func readPageSize(c DriverConn) (int, error) {
	size, err := readPragma(c, "page_size")
	if err != nil {
		return 0, wrap("read PRAGMA page_size", "", "", err)
	}
	return strconv.Atoi(size)
}

// writerPragmas are set on the writer's connection.
func writerPragmas(cfg *config) []pragma {
	level := map[string]string{"FULL": "2", "NORMAL": "1", "OFF": "0"}[cfg.synchronous]
	most := itoa(longLog * cfg.walBytes())
	p := []pragma{
		undoStore(),
		{"cache_size", "-65536", "-65536"}, // 64 MiB: the writer touches pages all over a large file
		{"journal_mode", "WAL", "wal"},
		{"synchronous", cfg.synchronous, level},
		{"journal_size_limit", most, most}, // the log's file is cut to this size when the log restarts
		{"wal_autocheckpoint", "0", "0"},   // the checkpointer does it between transactions
	}
	if runtime.GOOS == "darwin" { // where fsync alone does not reach the disk
		p = append(p, pragma{"fullfsync", "1", "1"})
	}
	return append(p, commonPragmas...)
}

// readerPragmas are set on every reader's connection.
func readerPragmas() []pragma {
	return append([]pragma{
		{"query_only", "1", "1"},
		inMemory,
		{"cache_size", "-16384", "-16384"}, // 16 MiB each
	}, commonPragmas...)
}

var commonPragmas = append([]pragma{
	{"foreign_keys", "1", "1"},
	{"busy_timeout", "0", "0"}, // waiting is the manager's business: SQLite's ignores contexts and order
}, strictPragmas...)

// strictPragmas are set on every connection that reads a file which anybody may
// have made, also those of migrations and checks.
var strictPragmas = []pragma{
	{"trusted_schema", "0", "0"}, // a schema must not call functions with side effects
	{"cell_size_check", "1", "1"},
}

var inMemory = pragma{"temp_store", "MEMORY", "2"}

// undoStore says where the writer keeps what it needs to undo a single
// statement. If that may spill into a file, SQLite allocates it in large
// blocks, otherwise one kilobyte at a time, which makes a statement with a
// trigger a tenth slower. The file is made only by a statement that changes
// more than the writer's VFS keeps in memory. If no file can be made, everything stays in memory.
func undoStore() pragma {
	f, err := os.CreateTemp("", "stakeledger-*")
	if err != nil {
		return inMemory
	}
	_ = f.Close()
	if os.Remove(f.Name()) != nil {
		return inMemory
	}
	return pragma{"temp_store", "FILE", "1"}
}

// fileDSN is the driver's data source name for path. Connections run without
// SQLite's mutexes: the manager's own lock serves each of them.
func fileDSN(path, mode string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path}
	return u.String() + "?mode=" + mode + "&_mutex=no&_busy_timeout=0"
}

// writerDSN is fileDSN for the writer, whose VFS writes a commit with fewer calls of the system.
func writerDSN(path string) string {
	dsn := fileDSN(path, "rw")
	if vfs := csqlite.WriterVFS(); vfs != "" {
		dsn += "&vfs=" + vfs
	}
	return dsn
}
