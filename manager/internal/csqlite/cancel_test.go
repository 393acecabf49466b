//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

package csqlite

import (
	"database/sql/driver"
	"errors"
	"testing"
)

func TestNothingStaysRegistered(t *testing.T) {
	for name, open := range map[string]func() (driver.Conn, error){
		"open fails":  func() (driver.Conn, error) { return nil, errors.New("refused") },
		"open panics": func() (driver.Conn, error) { panic("on purpose") },
	} {
		func() {
			defer func() { _ = recover() }()
			_, _, _ = Open(func() (driver.Conn, error) {
				if _, _, err := Open(open); err == nil {
					t.Errorf("%s: no error", name)
				}
				return nil, nil
			})
		}()
		if cancel() {
			t.Errorf("%s: SQLite still calls us", name)
		}
	}
	registered.acquire()
	registered.acquire()
	registered.release()
	if !cancel() {
		t.Error("the first of two that opened ended the other's registration")
	}
	registered.release()
}
