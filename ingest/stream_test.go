package ingest_test

import (
	"errors"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ingest"
)

// repeated reads as head, then count times body, then tail, and holds none of it in memory.
func repeated(head, body string, count int, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &repeater{body: body, left: count}, strings.NewReader(tail))
}

type repeater struct {
	body string
	at   int
	left int
}

func (r *repeater) Read(p []byte) (n int, err error) {
	for n < len(p) && r.left > 0 {
		m := copy(p[n:], r.body[r.at:])
		n += m
		r.at += m
		if r.at == len(r.body) {
			r.at = 0
			r.left--
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// allocated returns how many bytes do allocates, freed or not.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHugeLineIsOneErrorWithoutBeingHeld(t *testing.T) {
	const count = 100 << 20
	header, _, _ := strings.Cut(twoCells, "\n")
	for name, tt := range map[string]struct {
		head, body, tail string
		where            string
	}{
		"line of JSON":               {twoLines + `{"coldkey":"`, "x", `"}`, "input:3: "},
		"first line of JSON":         {`{"coldkey":"`, "x", `"}`, "input:1: "},
		"first name in JSON":         {`{"`, "x", `":1}`, "input:1: "},
		"blank line":                 {twoLines, " ", "", "input:3: "},
		"line of CSV":                {header + "\n", "x", "\n", "input:2: "},
		"line of cells":              {header + "\n", ",", "\n", "input:2: "},
		"header of CSV":              {"", "x", "\n", "input:1: "},
		"quoted cell":                {header + "\n\"", "x", "\"\n", "input:2: "},
		"string in a row":            {"[\n" + `{"usd":"`, "x", `"}]`, "input:2: "},
		"number in a row":            {"[\n" + `{"usd":`, "1", `}]`, "input:2: "},
		"nested brackets":            {"[\n", "[", "", "input:2: "},
		"row of small values":        {"[\n" + `{`, `"a":1,`, `"b":1}]`, "input:2: "},
		"row of line ends":           {"[\n" + `{`, "\n", `}]`, "input:2: "},
		"string beside the data":     {`{"data":[],` + "\n" + `"pagination":"`, "x", `"}`, "input:2: "},
		"name beside the data":       {`{"data":[],` + "\n" + `"`, "x", `":1}`, "input:2: "},
		"string before the data":     {`{"pagination":{},` + "\n" + `"a":"`, "x", `","data":[]}`, "input:2: "},
		"word beside the data":       {`{"data":[],` + "\n" + `"a":`, "x", `}`, "input:2: "},
		"string of escapes in a row": {"[\n" + `{"usd":"`, `\"`, `"}]`, "input:2: "},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			used := allocated(func() { _, err = collect(repeated(tt.head, tt.body, count, tt.tail), ingest.Options{}) })
			if !errors.Is(err, chain.ErrInvalid) || !strings.HasPrefix(err.Error(), tt.where) || !strings.Contains(err.Error(), "longer than 1 MiB") {
				t.Errorf("got %v, want that it is longer than 1 MiB, at %s", err, tt.where)
			}
			if used > 12<<20 {
				t.Errorf("allocated %d bytes for it, want at most 12 MiB", used)
			}
		})
	}
}

func TestLineOfJustTheLimit(t *testing.T) {
	line, _, _ := strings.Cut(twoLines, "\n")
	const limit = 1 << 20 // with its end
	for size, good := range map[int]bool{limit - 1: true, limit: true, limit + 1: false, limit + 2: false} {
		padded := line[:len(line)-1] + strings.Repeat(" ", size-1-len(line)) + "}\n"
		for before, want := range map[string]int{"": 1, twoLines: 3} {
			got, err := collect(strings.NewReader(before+padded), ingest.Options{})
			if good != (err == nil) || good && len(got) != want {
				t.Errorf("line of %d bytes: got %d events, %v, want it read: %v", size, len(got), err, good)
			}
		}
	}
}

// TestMemoryDoesNotGrow reads a million rows of each format and looks at the heap on the way.
func TestMemoryDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("reads a million rows of each format")
	}
	header, cells, _ := strings.Cut(twoCells, "\n")
	row := strings.TrimSpace(twoRows[1 : len(twoRows)-1])
	for name, r := range map[string]io.Reader{
		"JSON Lines": repeated("", twoLines, 500_000, ""),
		"CSV":        repeated(header+"\n", cells, 500_000, ""),
		"response":   repeated(`{"pagination":{},"data":[`+row, ",\n"+row, 499_999, `]}`),
	} {
		t.Run(name, func(t *testing.T) {
			start := liveHeap()
			n := 0
			for _, err := range ingest.Read(r, "input", ingest.Options{}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n%250_000 == 0 {
					if grown := liveHeap() - start; grown > 4<<20 {
						t.Errorf("after %d rows: %d bytes more are alive than before, want at most 4 MiB", n, grown)
					}
				}
			}
			if n != 1_000_000 {
				t.Errorf("got %d rows, want 1,000,000", n)
			}
		})
	}
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestManyAddresses has more addresses than are remembered: it gets all of them right and holds few.
func TestManyAddresses(t *testing.T) {
	pipe, to := io.Pipe()
	const count = 50_000
	go func() {
		_, err := ingest.WriteJSONL(to, func(yield func(ingest.Row) bool) {
			for i := range count {
				row := ingest.Row{Event: twoEvents[0]}
				row.Coldkey = chain.AddressFromPublicKey([32]byte{byte(i), byte(i >> 8)})
				row.ExtrinsicID = strconv.Itoa(i)
				if !yield(row) {
					return
				}
			}
		})
		to.CloseWithError(err)
	}()
	n, start := 0, liveHeap()
	for event, err := range ingest.Read(pipe, "input", ingest.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := chain.AddressFromPublicKey([32]byte{byte(n), byte(n >> 8)}); event.Coldkey != want || event.ExtrinsicID != strconv.Itoa(n) {
			t.Fatalf("row %d: got %s of %s, want %s", n, event.ExtrinsicID, event.Coldkey, want)
		}
		if n++; n == count-1 {
			if grown := liveHeap() - start; grown > 3<<20 {
				t.Errorf("after %d addresses: %d bytes more are alive than before, want at most 3 MiB", n, grown)
			}
		}
	}
	if n != count {
		t.Errorf("got %d rows, want %d", n, count)
	}
}

func BenchmarkRead(b *testing.B) {
	header, cells, _ := strings.Cut(twoCells, "\n")
	row := strings.TrimSpace(twoRows[1 : len(twoRows)-1])
	for name, read := range map[string]func(rows int) io.Reader{
		"JSONLines": func(n int) io.Reader { return repeated("", twoLines, n, "") },
		"CSV":       func(n int) io.Reader { return repeated(header+"\n", cells, n, "") },
		"Response":  func(n int) io.Reader { return repeated(`{"data":[`+row, ",\n"+row, n, `]}`) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			rows := 0
			for _, err := range ingest.Read(read(b.N), "input", ingest.Options{}) {
				if err != nil {
					b.Fatal(err)
				}
				rows++
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
