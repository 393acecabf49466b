package managertest

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"unsafe"

	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/internal/testdb"
)

// maxTemplates bounds the memory that templates take in a program whose every
// test makes a migration of its own.
const maxTemplates = 32

var templates = templateStore{byKey: map[string]*template{}}

// A templateStore keeps the file that each migration made.
type templateStore struct {
	mu    sync.Mutex
	byKey map[string]*template
}

// A making is what decides what is in a fresh file: the migration, the other
// options of Open that it depends on, and the functions among them.
type making struct {
	migration func(context.Context, *sql.DB) error
	settings  string
	functions []any
}

func makingOf(opts []manager.Option) (m making) {
	m.migration, m.settings, m.functions = testdb.Hooks.Making(opts)
	return m
}

// key tells two makings apart, by the addresses of function values: those of two
// closures of one function differ, which package reflect does not see.
func (m making) key() string {
	key := fmt.Sprint(*(*unsafe.Pointer)(unsafe.Pointer(&m.migration)), m.settings)
	for i := range m.functions {
		key += fmt.Sprint(" ", (*[2]unsafe.Pointer)(unsafe.Pointer(&m.functions[i]))[1])
	}
	return key
}

// A template is a migrated database file. It holds its making, so that no
// other function value can get the same address.
type template struct {
	making making
	once   sync.Once
	file   []byte
}

// of returns the file that m makes, and makes it the first time. Tests that
// ask meanwhile wait. A make that ends its test leaves no file: the next
// test makes it.
func (s *templateStore) of(m making, makeFile func() []byte) []byte {
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

func (s *templateStore) entry(m making) *template {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := m.key()
	t := s.byKey[key]
	if t == nil {
		t = &template{making: m}
		if len(s.byKey) < maxTemplates {
			s.byKey[key] = t
		}
	}
	return t
}

func (s *templateStore) drop(m making) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byKey, m.key())
}
