package chain_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
)

func TestParseTime(t *testing.T) {
	for _, tt := range []struct {
		in, want string // want: as printed
		micros   int64
	}{
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z", 1},
		{"1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", -1},
		{"2026-01-01T02:10:48.001Z", "2026-01-01T02:10:48.001Z", 1767233448001000},
		{"2026-01-01T02:10:48.1Z", "2026-01-01T02:10:48.1Z", 1767233448100000},
		{"2026-01-01T02:10:48.123456000000Z", "2026-01-01T02:10:48.123456Z", 1767233448123456},
		{"2026-01-01T04:10:48+02:00", "2026-01-01T02:10:48Z", 1767233448000000},
		{"2025-12-31T20:40:48-05:30", "2026-01-01T02:10:48Z", 1767233448000000},
		{"2026-01-01T02:10:48-00:00", "2026-01-01T02:10:48Z", 1767233448000000},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z", 1709164800000000},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", -62167219200000000},
		{"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", 253402300799999999},
	} {
		got, err := chain.ParseTime(tt.in)
		if err != nil || int64(got) != tt.micros || got.String() != tt.want {
			t.Errorf("ParseTime(%q): got %d (%v), %v, want %d (%s)", tt.in, int64(got), got, err, tt.micros, tt.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for in, reason := range map[string]string{
		"":                                 "not an RFC 3339 time",
		"2026-01-01":                       "not an RFC 3339 time",
		"2026-01-01 02:10:48Z":             "not an RFC 3339 time",
		"2026-01-01t02:10:48Z":             "not an RFC 3339 time",
		"2026-01-01T2:10:48Z":              "not an RFC 3339 time",
		"1767233448":                       "not an RFC 3339 time",
		" 2026-01-01T02:10:48Z":            "not an RFC 3339 time",
		"\uff12026-01-01T02:10:48Z":        "not an RFC 3339 time",
		"10000-01-01T00:00:00Z":            "not an RFC 3339 time",
		"-001-01-01T00:00:00Z":             "not an RFC 3339 time",
		"2026-01-01T02:10:48":              "no zone; add Z",
		"2026-01-01T02:10:48.123":          "no zone; add Z",
		"2026-01-01T02:10:48z":             "wrong zone",
		"2026-01-01T02:10:48Z ":            "wrong zone",
		"2026-01-01T02:10:48ZZ":            "wrong zone",
		"2026-01-01T02:10:48 UTC":          "wrong zone",
		"2026-01-01T02:10:48+02":           "wrong zone",
		"2026-01-01T02:10:48+0200":         "wrong zone",
		"2026-01-01T02:10:48+24:00":        "wrong zone",
		"2026-01-01T02:10:48+02:60":        "wrong zone",
		"2026-01-01T02:10:48,123Z":         "wrong zone",
		"2026-01-01T02:10:48.Z":            "a point without",
		"2026-01-01T02:10:48.1234567Z":     "finer than a microsecond",
		"2026-01-01T02:10:48.0000000001Z":  "finer than a microsecond",
		"2026-02-29T00:00:00Z":             "no such date",
		"2026-13-01T00:00:00Z":             "no such date",
		"2026-00-01T00:00:00Z":             "no such date",
		"2026-01-00T00:00:00Z":             "no such date",
		"2026-04-31T00:00:00Z":             "no such date",
		"1900-02-29T00:00:00Z":             "no such date",
		"2026-01-01T24:00:00Z":             "no such time",
		"2026-01-01T00:60:00Z":             "no such time",
		"2026-01-01T00:00:61Z":             "no such time",
		"2016-12-31T23:59:60Z":             "leap second",
		"9999-12-31T23:59:59.999999-00:01": "outside the years",
		"0000-01-01T00:00:00+00:01":        "outside the years",
	} {
		_, err := chain.ParseTime(in)
		wantInvalid(t, err, "time", in, reason)
	}
}

func TestTimeOf(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, tt := range []struct {
		in   time.Time
		want string
	}{
		{time.Date(2026, 1, 1, 3, 0, 0, 1000, berlin), "2026-01-01T02:00:00.000001Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), "9999-12-31T23:59:59.999999Z"},
		{time.Time{}, "0001-01-01T00:00:00Z"},
	} {
		got, err := chain.TimeOf(tt.in)
		if err != nil || got.String() != tt.want || !got.Time().Equal(tt.in) {
			t.Errorf("TimeOf(%v): got %v, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []time.Time{
		time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 100, time.UTC),
		time.Date(2026, 1, 1, 0, 0, 0, 999, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)),
		time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := chain.TimeOf(in); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("TimeOf(%v): got %v, %v, want ErrInvalid", in, got, err)
		}
	}
}

func TestTimeArithmetic(t *testing.T) {
	at := chain.Time(1767233448000000)
	if got, want := at.Add(90*time.Second).String(), "2026-01-01T02:12:18Z"; got != want {
		t.Errorf("Add: got %s, want %s", got, want)
	}
	if got, want := at.Add(-1999*time.Nanosecond).Sub(at), -time.Microsecond; got != want {
		t.Errorf("Sub: got %v, want %v", got, want)
	}
}

func TestTimeJSON(t *testing.T) {
	in := chain.Time(1767233448001000)
	b, err := json.Marshal(in)
	if want := `"2026-01-01T02:10:48.001Z"`; err != nil || string(b) != want {
		t.Errorf("Marshal: got %s, %v, want %s", b, err, want)
	}
	var got chain.Time
	if err := json.Unmarshal(b, &got); err != nil || got != in {
		t.Errorf("Unmarshal: got %v, %v, want %v", got, err, in)
	}
	for _, bad := range []string{`1767233448001000`, `"2026-01-01T02:10:48"`, `""`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil || got != in {
			t.Errorf("Unmarshal %s: got %v, %v, want an error and the value untouched", bad, got, err)
		}
	}
}

func TestTimeScanAndValue(t *testing.T) {
	var got chain.Time
	if err := got.Scan(int64(5)); err != nil || got != 5 {
		t.Errorf("Scan: got %d, %v, want 5", int64(got), err)
	}
	for _, src := range []any{nil, "2026-01-01T00:00:00Z", time.Now(), 1.0} {
		if err := got.Scan(src); !errors.Is(err, chain.ErrInvalid) || got != 5 {
			t.Errorf("Scan of %T: got %v, want ErrInvalid", src, err)
		}
	}
	if v, err := chain.Time(5).Value(); err != nil || v != int64(5) {
		t.Errorf("Value: got %v, %v, want int64 5", v, err)
	}
}

// FuzzParseTime compares every accepted time with the standard library, which reads more forms than
// ours, and checks that it survives printing.
func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-01-01T02:10:48.001Z", "9999-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z", "2026-01-01T02:10:48z", "2026-01-01T02:10:48",
		"2026-01-01T02:10:48.1234567Z", "2026-02-29T00:00:00Z", "2026-01-01T04:10:48.123456000+02:00", "0000-01-01T00:00:00-23:59"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := chain.ParseTime(s)
		if err != nil {
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("ParseTime(%q): got %v, want ErrInvalid", s, err)
			}
			if std, err := time.Parse(time.RFC3339Nano, s); err == nil && std.Nanosecond()%1000 == 0 && std.UTC().Format(time.RFC3339Nano) == s {
				t.Fatalf("ParseTime(%q): refused what the standard library reads and writes", s)
			}
			return
		}
		if std, err := time.Parse(time.RFC3339Nano, s); err != nil || !std.Equal(got.Time()) {
			t.Fatalf("ParseTime(%q): got %v, want %v, %v", s, got, std, err)
		}
		if again, err := chain.ParseTime(got.String()); err != nil || again != got {
			t.Fatalf("ParseTime(%q): got %v, %v, want %v", got.String(), again, err, got)
		}
	})
}
