package manager_test

import (
	"fmt"
	"os"
	"testing"
)

func init() {
	// Adds transfers whenever it is told to, and says how many there are then.
	childRoles["add on request"] = func(t *testing.T, args []string) {
		db := bankOpen(t, args[0])
		childSay("ready")
		for seq := int64(0); childHear()() == "add"; seq++ {
			if err := bankAdd(t.Context(), db, "second", seq); err != nil {
				childSay("%v", err)
				continue
			}
			childSay("added")
		}
	}
}

// Without the index (-shm) that a process has open, another one makes its own, and neither sees the locks of the
// other. What the second is told to be committed must survive what the first tries before it notices.
func TestSecondProcessAfterTheIndexIsGone(t *testing.T) {
	for _, adds := range []int{1, 4, 50} {
		for _, killed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d commits, killed %t", adds, killed), func(t *testing.T) {
				db, path := fileBank(t)
				if err := os.Remove(path + "-shm"); err != nil {
					t.Fatal(err)
				}
				second := childStart(t, "add on request", nil, path)
				if got := second.said(t); got != "ready" {
					t.Fatal(got)
				}
				for round := range 3 {
					for range adds {
						second.tell(t, "add")
						if got := second.said(t); got != "added" {
							t.Fatal(got)
						}
					}
					fileWantMoved(t, "WithTx", bankAdd(t.Context(), db, "first", int64(round)))
				}
				if killed {
					second.kill(t)
				} else {
					second.wait(t)
				}
				bankClose(t, db)
				bankAudit(t, bankOpen(t, path), int64(10+3*adds))
			})
		}
	}
}
