package manager

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		version string
		number  int
		old     bool
	}{
		{"3.7.0", 3_007_000, true}, {"3.50.4", 3_050_004, true}, {"3.51.2", 3_051_002, true},
		{"3.51.3", 3_051_003, false}, {"3.54.1", 3_054_001, false}, {"4.0.0", 4_000_000, false},
	} {
		err := checkVersion(c.version, c.number)
		if c.old != errors.Is(err, ErrUnsupported) || c.old != (err != nil) {
			t.Errorf("SQLite %s: got %v, want refused: %v", c.version, err, c.old)
		}
		if c.old && (!strings.Contains(err.Error(), c.version) || !strings.Contains(err.Error(), "3.51.3 or later")) {
			t.Errorf("SQLite %s: %q does not say what is linked and what to build with", c.version, err)
		}
	}
	if err := checkLibrary(); err != nil {
		t.Errorf("the linked library: %v", err)
	}
}
