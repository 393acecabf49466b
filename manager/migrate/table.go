package migrate

import (
	"fmt"
	"regexp"

	"github.com/pressly/goose/v3"

	"github.com/stakeledger/stakeledger/manager"
)

// Option sets how migrations are recorded.
type Option func(*config)

type config struct {
	table           string
	existing        string // of Existing; "" is none
	existingVersion int64
}

func newConfig(opts []Option) config {
	c := config{table: goose.DefaultTablename}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Table records which migrations a file has in a version table of another name,
// as goose's -table does. So two sets of migrations, each with a table of its
// own, live in one file: a library's and a program's. All functions are given the
// same name. Default: goose_db_version.
func Table(name string) Option { return func(c *config) { c.table = name } }

// tableName is what goose writes into statements without quoting it.
var tableName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (c config) check() error {
	if tableName.MatchString(c.table) {
		return nil
	}
	return &manager.Error{Op: fmt.Sprintf("use version table %q", c.table), Kind: manager.ErrUnsupported, Detail: "its name must be letters, digits and underscores, such as mine_versions"}
}
