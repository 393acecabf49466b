package power_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stakeledger/stakeledger/torture/effort"
	"github.com/stakeledger/stakeledger/torture/power"
)

// story makes a log of steps; a file's handle is its name's first letter.
func story(before map[string][]byte, steps ...power.Op) *power.Log {
	return &power.Log{Before: before, Ops: steps}
}

func opens(file string) power.Op {
	return power.Op{Kind: power.Opened, Handle: int(file[0]), Data: []byte(file)}
}

func writes(file string, offset int64, text byte, length int) power.Op {
	return power.Op{Kind: power.Wrote, Handle: int(file[0]), Offset: offset, Data: bytes.Repeat([]byte{text}, length)}
}

func truncates(file string, size int64) power.Op {
	return power.Op{Kind: power.Truncated, Handle: int(file[0]), Offset: size}
}

func syncs(file string) power.Op { return power.Op{Kind: power.Synced, Handle: int(file[0])} }

func deletes(file string) power.Op { return power.Op{Kind: power.Deleted, Data: []byte(file)} }

var syncsFolder = power.Op{Kind: power.FolderSynced}

// runs is a content in short: each run of equal bytes with its length.
func runs(content []byte) (text string) {
	for len(content) > 0 {
		n := 1
		for n < len(content) && content[n] == content[0] {
			n++
		}
		if content[0] == 0 {
			text += fmt.Sprintf("0*%d ", n)
		} else {
			text += fmt.Sprintf("%c*%d ", content[0], n)
		}
		content = content[n:]
	}
	return text
}

// Every disk that a story allows turns up, and no other.
func TestDisksFoundAfterAStory(t *testing.T) {
	for _, c := range []struct {
		name string
		log  *power.Log
		file string
		want []string // contents, in short
	}{
		{"nothing happened", story(map[string][]byte{"f": []byte("aaa")}), "f", []string{"a*3 "}},
		{"a synced write is there", story(nil, opens("f"), writes("f", 0, 'a', 600), syncs("f"), syncsFolder), "f", []string{"a*600 "}},
		{"a new name may be lost", story(nil, opens("f"), writes("f", 0, 'a', 600), syncs("f")), "f", []string{"absent", "a*600 "}},
		{"a deleted file may be back", story(map[string][]byte{"f": []byte("aaa")}, deletes("f")), "f", []string{"a*3 ", "absent"}},
		{"a deletion is there when the folder was synced", story(map[string][]byte{"f": []byte("aaa")}, deletes("f"), syncsFolder), "f", []string{"absent"}},
		{"a file may be the old one or the new one of its name",
			story(map[string][]byte{"f": []byte("aaa")}, deletes("f"), opens("f"), writes("f", 0, 'b', 2), syncs("f")),
			"f", []string{"a*3 ", "absent", "b*2 "}},
		{"an overwritten sector is old or new",
			story(map[string][]byte{"f": bytes.Repeat([]byte("a"), 512)}, opens("f"), writes("f", 0, 'b', 512)), "f", []string{"a*512 ", "b*512 "}},
		{"sectors are torn apart",
			story(map[string][]byte{"f": bytes.Repeat([]byte("a"), 1024)}, opens("f"), writes("f", 0, 'b', 1024)), "f",
			[]string{"a*1024 ", "b*1024 ", "a*512 b*512 ", "b*512 a*512 "}},
		{"a sector holds a later write only with the earlier one",
			story(map[string][]byte{"f": bytes.Repeat([]byte("a"), 512)}, opens("f"), writes("f", 0, 'b', 100), writes("f", 100, 'c', 412)), "f",
			[]string{"a*512 ", "b*100 a*412 ", "b*100 c*412 "}},
		{"what was synced keeps its place under a write beside it",
			story(nil, opens("f"), writes("f", 0, 'a', 100), syncs("f"), syncsFolder, writes("f", 100, 'b', 412)), "f",
			[]string{"a*100 ", "a*100 b*412 ", "a*100 0*412 ", "garbage"}},
		{"a truncation may be lost",
			story(map[string][]byte{"f": bytes.Repeat([]byte("a"), 512)}, opens("f"), truncates("f", 0)), "f", []string{"", "a*512 ", "0*512 "}},
		{"a synced truncation is there",
			story(map[string][]byte{"f": bytes.Repeat([]byte("a"), 512)}, opens("f"), truncates("f", 100), syncs("f")), "f", []string{"a*100 "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := effort.Rand(t)
			disk := power.NewDisk(c.log)
			for _, op := range c.log.Ops {
				disk.Follow(op)
			}
			got := map[string]bool{}
			for range 4000 {
				content, there := disk.Found(r)[c.file]
				switch short := runs(content); {
				case !there:
					got["absent"] = true
				case len(short) > 80:
					got["garbage"] = true
				default:
					got[short] = true
				}
			}
			if got, want := slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}
