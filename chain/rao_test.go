package chain_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stakeledger/stakeledger/chain"
)

func TestParseRao(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want chain.Rao
	}{
		{"0", 0},
		{"0.000000000", 0},
		{"0.000000001", 1},
		{"1", chain.RaoPerTAO},
		{"1.5", 1_500_000_000},
		{"1.000000001", 1_000_000_001},
		{"007.10", 7_100_000_000},
		{"9223372036", 9_223_372_036_000_000_000},
		{"9223372036.854775807", math.MaxInt64},
		{strings.Repeat("0", 50) + "1", chain.RaoPerTAO},
	} {
		got, err := chain.ParseRao(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseRao(%q): got %d, %v, want %d", tt.in, got, err, tt.want)
		}
	}
}

// TestParseRaoRefuses holds, for each bad amount, a part of the reason it must be given.
func TestParseRaoRefuses(t *testing.T) {
	for in, reason := range map[string]string{
		"":                        "empty",
		"1.0000000001":            "more than 9 decimal places; a rao is the smallest unit",
		"1.0000000000":            "more than 9 decimal places",
		"-1":                      "sign",
		"+1":                      "sign",
		"-0":                      "sign",
		".5":                      "not a plain decimal",
		"1.":                      "not a plain decimal",
		".":                       "not a plain decimal",
		"1.2.3":                   "not a plain decimal",
		"1,5":                     "not a plain decimal",
		"1_000":                   "not a plain decimal",
		"1e3":                     "not a plain decimal",
		"1E-3":                    "not a plain decimal",
		"0x10":                    "not a plain decimal",
		"NaN":                     "not a plain decimal",
		"nan":                     "not a plain decimal",
		"Inf":                     "not a plain decimal",
		"-Inf":                    "sign",
		" 1":                      "not a plain decimal",
		"1 ":                      "not a plain decimal",
		"1\n":                     "not a plain decimal",
		"1\x00":                   "not a plain decimal",
		"\u0661":                  "not a plain decimal", // ARABIC-INDIC DIGIT ONE
		"\uff11":                  "not a plain decimal", // FULLWIDTH DIGIT ONE
		"1.\u0665":                "not a plain decimal",
		"9223372036.854775808":    "too large", // 2^63 rao
		"9223372037":              "too large",
		"9223372036854775807":     "too large", // fits as rao, not as TAO
		"18446744073.709551616":   "too large", // 2^64 rao, which would wrap to 0
		strings.Repeat("9", 1000): "too large",
	} {
		got, err := chain.ParseRao(in)
		wantInvalid(t, err, "amount", in, reason)
		if got != 0 {
			t.Errorf("ParseRao(%q): got %d beside an error, want 0", in, got)
		}
	}
}

func TestParseRaoErrorText(t *testing.T) {
	_, err := chain.ParseRao("1.0000000001")
	got, want := err.Error(), `amount "1.0000000001": more than 9 decimal places; a rao is the smallest unit`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, err = chain.ParseRao("\x1b[31m\u202e" + strings.Repeat("x", 1000))
	if got := err.Error(); len(got) > 300 || strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, "(1008 bytes)") {
		t.Errorf("got %q, want it cut and escaped", got)
	}
}

func TestParseRaoInt(t *testing.T) {
	for in, want := range map[string]chain.Rao{"0": 0, "1": 1, "165693980": 165693980, "0042": 42, "9223372036854775807": math.MaxInt64} {
		if got, err := chain.ParseRaoInt(in); err != nil || got != want {
			t.Errorf("ParseRaoInt(%q): got %d, %v, want %d", in, got, err, want)
		}
	}
	for in, reason := range map[string]string{
		"": "empty", "-1": "sign", "+1": "sign", "1.0": "whole number", "1e3": "whole number", " 1": "whole number",
		"NaN": "whole number", "\u0661": "whole number", "9223372036854775808": "too large", "18446744073709551616": "too large",
	} {
		_, err := chain.ParseRaoInt(in)
		wantInvalid(t, err, "amount", in, reason)
	}
}

func TestRaoString(t *testing.T) {
	for in, want := range map[chain.Rao]string{
		0:                "0.000000000",
		1:                "0.000000001",
		-1:               "-0.000000001",
		chain.RaoPerTAO:  "1.000000000",
		-1_500_000_000:   "-1.500000000",
		1404_653_400_000: "1404.653400000",
		math.MaxInt64:    "9223372036.854775807",
		math.MinInt64:    "-9223372036.854775808",
	} {
		if got := in.String(); got != want {
			t.Errorf("String of %d: got %q, want %q", int64(in), got, want)
		}
	}
}

func TestRaoJSON(t *testing.T) {
	for _, v := range []chain.Rao{0, 1, -1, 1_500_000_000, -1_500_000_000, math.MaxInt64, math.MinInt64} {
		b, err := json.Marshal(v)
		if want := `"` + v.String() + `"`; err != nil || string(b) != want {
			t.Errorf("Marshal: got %s, %v, want %s", b, err, want)
		}
		got := chain.Rao(42)
		if err := json.Unmarshal(b, &got); err != nil || got != v {
			t.Errorf("Unmarshal %s: got %d, %v, want %d", b, got, err, v)
		}
	}
	for _, in := range []string{`1.5`, `1`, `"1e3"`, `"--1"`, `"-"`, `""`, `"1.0000000001"`, `"-9223372036.854775809"`, `true`} {
		got := chain.Rao(42)
		if err := json.Unmarshal([]byte(in), &got); err == nil || got != 42 {
			t.Errorf("Unmarshal %s: got %d, %v, want an error and the value untouched", in, got, err)
		}
	}
}

func TestRaoScanAndValue(t *testing.T) {
	var got chain.Rao
	if err := got.Scan(int64(-7)); err != nil || got != -7 {
		t.Errorf("Scan: got %d, %v, want -7", got, err)
	}
	for _, src := range []any{nil, 1.5, "1", []byte("1"), true, 1} {
		if err := got.Scan(src); !errors.Is(err, chain.ErrInvalid) || got != -7 {
			t.Errorf("Scan of %T: got %d, %v, want ErrInvalid and the value untouched", src, got, err)
		}
	}
	if v, err := chain.Rao(5).Value(); err != nil || v != int64(5) {
		t.Errorf("Value: got %v, %v, want int64 5", v, err)
	}
}

// FuzzParseRao checks every accepted amount against exact arithmetic, and that every accepted amount
// survives printing.
func FuzzParseRao(f *testing.F) {
	for _, seed := range []string{"0", "1.000000001", "9223372036.854775807", "9223372036.854775808", ".5", "1.", "+1", "1e3", "NaN", " 1", "\u0661", "1.0000000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := chain.ParseRao(s)
		if err != nil {
			if !errors.Is(err, chain.ErrInvalid) {
				t.Fatalf("ParseRao(%q): got %v, want ErrInvalid", s, err)
			}
			return
		}
		exact, ok := new(big.Rat).SetString(s)
		if !ok || exact.Cmp(big.NewRat(int64(v), chain.RaoPerTAO)) != 0 || v < 0 {
			t.Fatalf("ParseRao(%q): got %d, want %v TAO", s, v, exact)
		}
		if again, err := chain.ParseRao(v.String()); err != nil || again != v {
			t.Fatalf("ParseRao(%q): got %d, %v, want %d", v.String(), again, err, v)
		}
	})
}

// wantInvalid fails unless err is an *InvalidError with this field and value and a reason that contains
// part.
func wantInvalid(t *testing.T, err error, field, value, part string) {
	t.Helper()
	var e *chain.InvalidError
	if !errors.As(err, &e) || !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("%s %q: got %v, want an *InvalidError", field, value, err)
		return
	}
	if e.Field != field || e.Value != value || !strings.Contains(e.Reason, part) {
		t.Errorf("got field %q, value %q, reason %q; want %q, %q, and %q in it", e.Field, e.Value, e.Reason, field, value, part)
	}
}
