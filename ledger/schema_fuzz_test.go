package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger"
	"github.com/stakeledger/stakeledger/chain"
)

// FuzzPlainSQL: two texts that differ in more than layout must not become the same.
func FuzzPlainSQL(f *testing.F) {
	for _, seed := range []string{
		"", "CREATE TABLE t (x) -- note\n", "a/**/b", "a b", "'it''s -- no comment'", `"a""/*" [b c] ` + "`d``e`", "/* open", "' open", "[ open", "-- open", "a - -b", "/ *", "\v\x00é",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := plainSQL(text)
		if again := plainSQL(plain); again != plain {
			t.Fatalf("%q: got %q, and of that %q", text, plain, again)
		}
		if len(plain) > len(text)+1 {
			t.Fatalf("%q: got %q, which is longer", text, plain)
		}
		quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
		if got, want := plainSQL(" a\n"+quoted+" /* c */b"), "a "+quoted+" b"; got != want {
			t.Fatalf("in quotes: got %q, want %q", got, want)
		}
		if got := plainSQL(" " + text); got != plain {
			t.Fatalf("a space and %q: got %q, want %q", text, got, plain)
		}
	})
}

// FuzzApplyTakesWhatIsValid: the checks of Go and those of the database agree, so that no event passes the first
// and fails at the second in the middle of an input.
func FuzzApplyTakesWhatIsValid(f *testing.F) {
	const alice, bob = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
	f.Add("stake", alice, bob, uint16(1), "1-1", int64(0), int64(1), int64(1), int64(1), int64(1), false)
	f.Add("unstake", alice, bob, uint16(65535), " ~", int64(1<<62), int64(1<<63-1), int64(253402300799999999), int64(1<<63-1), int64(1), true)
	f.Add("stake", alice, "x", uint16(0), "\x00", int64(-1), int64(-1), int64(253402300800000000), int64(-1), int64(0), false)
	f.Add("stake", alice, bob, uint16(0), strings.Repeat("é", 65), int64(0), int64(0), int64(0), int64(0), int64(0), false)
	l, err := Open(f.Context(), filepath.Join(f.TempDir(), "ledger.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		report, err := l.Verify(context.Background())
		if err != nil || !report.Healthy() {
			f.Errorf("Verify after all: %v, %v", report.Differences, err)
		}
		l.Close(context.Background())
	})
	f.Fuzz(func(t *testing.T, kind, coldkey, hotkey string, netuid uint16, extrinsic string, index, block, at, tao, alpha int64, excluded bool) {
		event := Event{
			Kind: chain.EventKind(kind), Coldkey: chain.Address(coldkey), Hotkey: chain.Address(hotkey), Netuid: chain.Netuid(netuid), ExtrinsicID: extrinsic,
			EventIndex: index, Block: block, Time: chain.Time(at), TAO: chain.Rao(tao), Alpha: chain.Rao(alpha), Excluded: excluded,
		}
		valid := event.Validate()
		_, err := l.Apply(t.Context(), func(yield func(Event, error) bool) { yield(event, nil) })
		if valid == nil && err != nil || valid != nil && !errors.Is(err, ErrInvalid) {
			t.Fatalf("%+v: Validate says %v, Apply says %v", event, valid, err)
		}
	})
}

// The sum is that of the migrations as they are. Without it every check would go the long way.
func TestSchemaSumIsThatOfTheMigrations(t *testing.T) {
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		t.Fatal(err)
	}
	newest, err := newestVersion(migrations)
	if err != nil {
		t.Fatal(err)
	}
	s, err := makeSchema(t.Context(), migrations, newest)
	if err != nil {
		t.Fatal(err)
	}
	if want := s.checksum(); newest != summedVersion || want != summedSchema {
		t.Errorf("got version %d and sum %s, want %d and %s", summedVersion, summedSchema, newest, want)
	}
	for key, o := range s { // every part of every object counts
		for _, changed := range []schemaObject{{"view", o.name, o.table, o.sql}, {o.kind, o.name + "x", o.table, o.sql}, {o.kind, o.name, o.table + "x", o.sql}, {o.kind, o.name, o.table, o.sql + "x"}} {
			s[key] = changed
			if s.checksum() == summedSchema {
				t.Errorf("%v in the place of %v: got the same sum", changed, o)
			}
		}
		s[key] = o
	}
}

// BenchmarkSchemaOfTheProgram is what the first check of a process pays where the sum does not settle it.
func BenchmarkSchemaOfTheProgram(b *testing.B) {
	migrations, err := fs.Sub(stakeledger.Schema, "schema")
	if err != nil {
		b.Fatal(err)
	}
	newest, err := newestVersion(migrations)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s, err := makeSchema(b.Context(), migrations, newest); err != nil || len(s) == 0 {
			b.Fatal(fmt.Errorf("%d objects: %w", len(s), err))
		}
	}
}
