package manager_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

func TestURLOfAServerWithoutItsEngineNamesTheImport(t *testing.T) {
	same := func(db manager.DBTX) manager.DBTX { return db }
	for _, open := range []func(url string) error{
		func(url string) error { _, err := manager.Open(t.Context(), url, same, same); return err },
		func(url string) error { _, err := manager.OpenReadOnly(t.Context(), url, same); return err },
	} {
		for _, url := range []string{"postgres://u:secret@h/d", "postgresql://h/d"} {
			err := open(url)
			if !errors.Is(err, manager.ErrUnsupported) || !strings.Contains(err.Error(), `import _ "github.com/stakeledger/stakeledger/manager/postgres"`) {
				t.Errorf("%s: got %v, want ErrUnsupported with the import", url, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	}
}
