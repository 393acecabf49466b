package managertest

import (
	"context"
	"database/sql"
	"sync"
	"unsafe"
)

// migration is what manager.WithMigration takes.
type migration = func(context.Context, *sql.DB) error

// maxTemplates bounds the memory that templates take in a program whose every
// test makes a migration of its own.
const maxTemplates = 32

var templates = templateStore{byMigration: map[unsafe.Pointer]*template{}}

// A templateStore keeps the file that each migration made.
type templateStore struct {
	mu          sync.Mutex
	byMigration map[unsafe.Pointer]*template
}

// A template is a migrated database file. It holds its migration, so that no
// other function value can get the same address.
type template struct {
	migration migration
	once      sync.Once
	file      []byte
}

// of returns the file that m makes, and makes it the first time. Tests that
// ask meanwhile wait. A make that ends its test leaves no file: the next
// test makes it.
func (s *templateStore) of(m migration, makeFile func() []byte) []byte {
	for {
		t := s.entry(m)
		t.once.Do(func() {
			defer func() {
				if t.file == nil {
					s.drop(m)
				}
			}()
			t.file = makeFile()
		})
		if t.file != nil {
			return t.file
		}
	}
}

func (s *templateStore) entry(m migration) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byMigration[address(m)]
	if t == nil {
		t = &template{migration: m}
		if len(s.byMigration) < maxTemplates {
			s.byMigration[address(m)] = t
		}
	}
	return t
}

func (s *templateStore) drop(m migration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byMigration, address(m))
}

// address tells two function values apart, closures of one function too, which
// package reflect does not.
func address(m migration) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&m)) }
