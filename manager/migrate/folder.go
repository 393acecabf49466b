package migrate

import (
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/stakeledger/stakeledger/manager"
)

// folder returns the folder of fsys that holds the migrations: fsys itself, or
// the one folder below it that has .sql files, as "//go:embed schema/*.sql" makes it.
func folder(fsys fs.FS) (fs.FS, error) {
	var folders []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if dir := path.Dir(name); !entry.IsDir() && path.Ext(name) == ".sql" && (len(folders) == 0 || folders[len(folders)-1] != dir) {
			folders = append(folders, dir)
			if dir == "." {
				return fs.SkipAll
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read migrations: %w", err)
	case len(folders) == 0:
		return nil, &manager.Error{Op: "read migrations", Kind: manager.ErrUnsupported, Detail: "no .sql file in what was given; embed the folder with //go:embed schema/*.sql"}
	case folders[len(folders)-1] == ".": // files there come after folders with a smaller name
		return fsys, nil
	case len(folders) > 1:
		return nil, &manager.Error{Op: "read migrations", Kind: manager.ErrUnsupported, Detail: "several folders hold .sql files: " + strings.Join(folders, ", ") + "; choose one with fs.Sub"}
	}
	return fs.Sub(fsys, folders[0])
}

// ups are the functions that Up has returned.
var ups sync.Map // of upKey

type upKey struct {
	fsys fs.FS
	config
}

// once returns the function that make returned for fsys before, where file systems
// can be compared, as embed.FS can: managertest tells migrations apart by their
// function values.
func once(fsys fs.FS, c config, make func() migration) migration {
	if fsys == nil || !reflect.ValueOf(fsys).Comparable() {
		return make()
	}
	key := upKey{fsys, c}
	up, ok := ups.Load(key)
	if !ok {
		up, _ = ups.LoadOrStore(key, make())
	}
	return up.(migration)
}
