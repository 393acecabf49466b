package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/stakeledger/stakeledger/manager/migrate"
)

// checksum covers every field of every object.
func (s schema) checksum() string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(h, "%q\n", []string{s[key].kind, s[key].name, s[key].table, s[key].sql})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ownObjects is the schema without the tables of goose and SQLite.
func (s schema) ownObjects() schema {
	own := maps.Clone(s)
	maps.DeleteFunc(own, func(key string, o schemaObject) bool {
		return o.kind == "table" && (key == gooseTable || strings.HasPrefix(key, "sqlite_"))
	})
	return own
}

// schemaCache holds the schemas that the migrations make, by version, since making one takes milliseconds.
var schemaCache struct {
	sync.Mutex
	made map[int64]schema
}

// schemaAt is the schema of a new file at a version.
func schemaAt(ctx context.Context, migrations fs.FS, version int64) (schema, error) {
	schemaCache.Lock()
	defer schemaCache.Unlock()
	if s, ok := schemaCache.made[version]; ok {
		return s, nil
	}
	s := schema{}
	if version > 0 {
		var err error
		if s, err = makeSchema(ctx, migrations, version); err != nil {
			return nil, err
		}
	}
	if schemaCache.made == nil {
		schemaCache.made = map[int64]schema{}
	}
	schemaCache.made[version] = s
	return s, nil
}

// makeSchema migrates a database in memory and reads its schema.
func makeSchema(ctx context.Context, migrations fs.FS, version int64) (schema, error) {
	db, err := sql.Open("sqlite3", ":memory:") // the manager brings the driver
	if err != nil {
		return nil, fmt.Errorf("migrate in memory: %w", err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate.To(migrations, version)(ctx, db); err != nil {
		return nil, fmt.Errorf("migrate in memory: %w", err)
	}
	made, err := readSchema(ctx, db)
	if err != nil {
		return nil, err
	}
	return made.ownObjects(), nil
}
