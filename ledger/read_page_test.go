package ledger

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/manager"
)

// collectPages joins the pages and ends with their error.
func collectPages(sequence iter.Seq2[[]int, error]) (rows []int, err error) {
	for page, err := range sequence {
		if err != nil {
			return rows, err
		}
		rows = append(rows, page...)
	}
	return rows, nil
}

func TestPagesGoOnOrEnd(t *testing.T) {
	self := func(n int) int { return n }
	for _, c := range []struct {
		name    string
		answers [][]int // one a call
		want    []int
		corrupt bool
	}{
		{"nothing", [][]int{{}}, nil, false},
		{"a part of a page", [][]int{{4}}, []int{4}, false},
		{"a whole page, then nothing", [][]int{{4, 5}, {}}, []int{4, 5}, false},
		{"two pages", [][]int{{4, 5}, {6}}, []int{4, 5, 6}, false},
		{"the same page again", [][]int{{4, 5}, {4, 5}}, []int{4, 5}, true},
		{"its last row again", [][]int{{4, 5}, {5, 6}}, []int{4, 5}, true},
		{"a row twice", [][]int{{4, 4}}, nil, true},
		{"rows before those", [][]int{{4, 5}, {1}}, []int{4, 5}, true},
		{"nothing above the start", [][]int{{3}}, nil, true},
		{"out of order within a page", [][]int{{9, 4}}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			got, err := collectPages(pages("numbers", 2, 3, self, func(int) ([]int, error) {
				if calls++; calls > len(c.answers) {
					t.Fatal("asked once more")
				}
				return c.answers[calls-1], nil
			}))
			if !slices.Equal(got, c.want) || errors.Is(err, manager.ErrCorrupt) != c.corrupt || err != nil && !c.corrupt {
				t.Errorf("got %v, %v, want %v, corrupt %t", got, err, c.want, c.corrupt)
			}
			if calls != len(c.answers) {
				t.Errorf("%d calls, want %d", calls, len(c.answers))
			}
		})
	}
}

func TestPagesEndWithTheirQuery(t *testing.T) {
	failure := errors.New("failed")
	_, err := collectPages(pages("numbers", 2, 0, func(n int) int { return n }, func(int) ([]int, error) { return []int{1}, failure }))
	if err != failure {
		t.Errorf("got %v, want the query's own error", err)
	}
}

func TestListsRefuseRowsThatDoNotAscend(t *testing.T) {
	five := 5
	for _, c := range []struct {
		name  string
		after *int
		page  []int
		want  error
	}{
		{"the start", nil, []int{-7, 1, 2}, nil},
		{"later ones", &five, []int{6, 9}, nil},
		{"nothing", &five, nil, nil},
		{"the same again", &five, []int{5}, manager.ErrCorrupt},
		{"earlier ones", &five, []int{4}, manager.ErrCorrupt},
		{"a row twice", nil, []int{1, 1}, manager.ErrCorrupt},
	} {
		if err := checkAscending("numbers", c.after, c.page, cmp.Compare[int]); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
