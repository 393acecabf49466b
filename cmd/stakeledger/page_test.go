package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/chain"
	"github.com/stakeledger/stakeledger/ledger"
)

// page writes a report of db as a page and returns its text.
func page(t *testing.T, db string) string {
	t.Helper()
	path := file(t, "report.html")
	if got, want := must(t, "", "--db", db, "report", "--html", path), "wrote the report to "+path+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHTMLReport(t *testing.T) {
	db := simulated(t)
	text := page(t, db)
	miners := rows(t, must(t, "", "--db", db, "miners", "--json"))
	for _, m := range miners {
		if !strings.Contains(text, `href="#`+m["coldkey"].(string)+`"`) {
			t.Errorf("miner %s is not on the page", m["coldkey"])
		}
	}
	for _, want := range []string{"Leaderboard", "Winners", "Losers", "Gain of all miners", "Open exposure by subnet", "Win rates", "prefers-color-scheme: dark", "<dd>20</dd>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	if strings.Contains(text, "ZgotmplZ") {
		t.Error("the template refused a value of ours")
	}
}

// TestHTMLReportNeedsNoNetwork: nothing on the page names anything to fetch, and the policy forbids it.
func TestHTMLReportNeedsNoNetwork(t *testing.T) {
	text := page(t, simulated(t))
	if at := regexp.MustCompile(`(?i)\s(src|action|poster|data)=|\shref="[^#]|\burl\(|@import|fetch\(|XMLHttpRequest|WebSocket|import\(`).FindString(text); at != "" {
		t.Errorf("the page holds %q", at)
	}
	if !strings.Contains(text, `http-equiv="Content-Security-Policy" content="default-src 'none';`) {
		t.Error("the page has no policy")
	}
}

func TestHTMLReportOfAnEmptyLedger(t *testing.T) {
	db := file(t, "ledger.db")
	must(t, "", "--db", db, "migrate", "up")
	if text := page(t, db); !strings.Contains(text, "The ledger holds no miners yet") || strings.Contains(text, "Leaderboard") {
		t.Error("no miners: the page does not say so")
	}
	must(t, "", "--db", db, "register", alice)
	for _, want := range []string{"Nothing was sold yet", "Nothing is open", "No close counts yet", alice} {
		if text := page(t, db); !strings.Contains(text, want) {
			t.Errorf("a miner without events: the page does not hold %q", want)
		}
	}
}

// scripts are the elements of a page that a browser may run, or that end one.
var scripts = regexp.MustCompile(`(?i)</?(script|style|img|svg|iframe|b)\b[^>]*>`)

// elements are those, and whether a link goes anywhere but to a place on the page.
func elements(page string) string {
	return strings.Join(scripts.FindAllString(page, -1), "") + strings.Join(regexp.MustCompile(`<a\b[^>]*`).FindAllString(links.ReplaceAllString(page, ""), -1), "")
}

var links = regexp.MustCompile(`<a href="#[^"<>]*">`)

// handlers are elements with an attribute that is a script.
var handlers = regexp.MustCompile(`(?i)<\w+(\s+[\w-]+(="[^"]*")?)*\s+on\w+=`)

// TestHTMLReportIsInert puts markup into everything that the page shows of a ledger.
func TestHTMLReportIsInert(t *testing.T) {
	want := elements(page(t, simulated(t)))
	for _, hostile := range []string{
		"</script><script>alert(1)</script>", `"><script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, "</b><b>x", "<!--<script>",
		`'-alert(1)-'`, "</style><a>", "\u2028</script>", "\\u003c/script>", "]]></script>", "{{.Script}}", "\x1b[2J\u202e",
	} {
		at := chain.Time(1_750_000_000_000_000)
		o := pageOverview{
			miners: []ledger.Miner{{MinerID: 1, Coldkey: chain.Address(hostile), Status: chain.MinerStatus(hostile), Gain: 5, LastActive: &at, CountedCloses: 1, ExitTAO: 5}},
			open:   []ledger.Exposure{{MinerID: 1, Netuid: 7, Positions: 1, Alpha: 5, TAO: 5}},
		}
		gained(t, &o, newTimeline(at, at, 1), map[int64][]ledger.GainStretch{1: {{Stretch: at.Time().Unix() / 3600, Gain: 5, Closes: 1}}})
		text, err := renderReport(newReportPage(o, hostile, at.Time()))
		if err != nil {
			t.Fatal(err)
		}
		if got := elements(string(text)); got != want {
			t.Errorf("%q: got the elements %q, want %q", hostile, got, want)
		}
		if handlers.Match(text) {
			t.Errorf("%q: an element handles an event", hostile)
		}
		if strings.ContainsAny(string(text), "\x1b\u202e") {
			t.Errorf("%q: the page holds a control character", hostile)
		}
	}
}

// TestHTMLReportOfAHostileFile is the same from a file to a page.
func TestHTMLReportOfAHostileFile(t *testing.T) {
	db := simulated(t)
	want := elements(page(t, db))
	hostile := "</script><script>alert(1)</script>" + strings.Repeat("A", 14)
	tamper(t, db, hostile, "INSERT INTO miners (coldkey, status, registered_at, exit_tao, entry_tao, raw_gain, gain, closes, counted_closes, winning_closes)"+
		" VALUES (?1, 'active', 1, 9000000000000000, 9000000000000000, 9000000000000000, 9000000000000000, 1, 1, 1)")
	text := page(t, db)
	if got := elements(text); got != want {
		t.Errorf("got the elements %q, want %q", got, want)
	}
	if !strings.Contains(text, `<a href="#%3c%2fscript%3e%3cscript%3ealert%281%29%3c%2fscript%3eAAAAAAAAAAAAAA">&lt;/scri…`) {
		t.Error("the hostile miner is not on the page, in its link and its text")
	}
}

func TestHTMLReportRefuses(t *testing.T) {
	db := simulated(t)
	path := file(t, "report.html")
	run(t, "", "--db", db, "report", "--html", path, "--json").fails(t, exitUsage, "--html", "--json")
	run(t, "", "--db", db, "report", "--html", "").fails(t, exitUsage, "--html")
	run(t, "", "--db", db, "report", "--html", filepath.Dir(path)).fails(t, exitFailure, "is a folder")
	run(t, "", "--db", db, "report", "--html", os.DevNull).fails(t, exitFailure, "not a regular file")
	run(t, "", "--db", db, "report", "--html", filepath.Join(path, "in", "none")).fails(t, exitFailure, "write report")
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "", "--db", db, "report", "--html", db).fails(t, exitFailure, "of the ledger itself")
	if after, err := os.ReadFile(db); err != nil || string(after) != string(before) {
		t.Error("the ledger was overwritten")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHTMLReportReplacesAPage(t *testing.T) {
	db := simulated(t)
	path := writeFile(t, "old.html", "<!DOCTYPE html><p>old")
	link := filepath.Join(filepath.Dir(path), "link.html")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	must(t, "", "--db", db, "report", "--html", link)
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "Leaderboard") {
		t.Errorf("the page that the link names: got %.40q and %v, want the new one", text, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: got %v and %v, want it to stay", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the page: got %v and %v, want it readable for all", info, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 2 {
		t.Errorf("got %v in the folder, want the page and the link", left)
	}
}

const tenTAO = 10 * chain.RaoPerTAO

func TestSubnetBars(t *testing.T) {
	var open []ledger.Exposure
	for i := range chain.Netuid(25) {
		open = append(open, ledger.Exposure{MinerID: 1, Netuid: 1 + i, Positions: 1, Alpha: 1, TAO: chain.Rao(25-i) * tenTAO}, ledger.Exposure{MinerID: 2, Netuid: 1 + i, Positions: 999, Alpha: tenTAO})
	}
	bars := newSubnetBars(open)
	if got, want := bars[0], (subnetBar{"1", "1,000", "10.0000", "250.0000", "100.0"}); got != want {
		t.Errorf("the first: got %+v, want %+v", got, want)
	}
	if got, want := bars[len(bars)-1], (subnetBar{"5 others", "5,000", "50.0000", "150.0000", ""}); len(bars) != 21 || got != want {
		t.Errorf("the last of %d: got %+v, want %+v", len(bars), got, want)
	}
	bars = newSubnetBars([]ledger.Exposure{{Netuid: 1, TAO: math.MaxInt64, Alpha: 5}, {MinerID: 2, Netuid: 1, TAO: 5, Alpha: 5}})
	if got, want := bars[0].TAO, "9,223,372,036.8548"; got != want {
		t.Errorf("a sum of more than an amount can be: got %q, want %q", got, want)
	}
	most := &amountSum{}
	for range 3 {
		most.add(math.MaxInt64)
	}
	if got, want := totalAmount(most), "27,670,116,111"; got != want {
		t.Errorf("a total of more than an amount can be: got %q, want %q", got, want)
	}
}

func TestWinRates(t *testing.T) {
	w := newWinRates([]ledger.Miner{{CountedCloses: 3, WinningCloses: 3}, {CountedCloses: 10, WinningCloses: 9}, {CountedCloses: 1000}, {}})
	if w.Rated != 3 || w.Unrated != 1 || w.Won != "12 of 1,013" || w.WinRate != "1.2" || w.Bins[9] != (winBin{"90–100", 2, "100.0"}) || w.Bins[0] != (winBin{"0–10", 1, "50.0"}) {
		t.Errorf("got %+v, want one in the first tenth, two in the last", w)
	}
}

// TestHTMLReportNamesPolicyAndLateMiners: who waits for a replay is named above all figures, twenty of them.
func TestHTMLReportNamesPolicyAndLateMiners(t *testing.T) {
	o := pageOverview{basis: ledger.Basis{Policy: ledger.DefaultPolicy()}, late: map[int64]bool{}}
	for i := range int64(30) {
		o.miners = append(o.miners, ledger.Miner{MinerID: i, Coldkey: alice, Status: chain.MinerActive, Gain: chain.Rao(-i)})
		o.late[i] = i < 25
	}
	o.prepareGains(timeline{})
	text, err := renderReport(newReportPage(o, "ledger.db", time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"25 of 30 miners wait for a replay", "<td>active, late<", "<dt>Minimum of blocks</dt><dd>360</dd>"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
	_, alert, _ := strings.Cut(string(text), `<p class="alert">`)
	alert, figures, _ := strings.Cut(alert, "</p>")
	if got := strings.Count(alert, "<a "); got != 20 || !strings.Contains(figures, "<dt>Gain TAO</dt>") {
		t.Errorf("got %d links before the figures, want 20", got)
	}
}

func TestGrouped(t *testing.T) {
	for give, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-999.1234": "-999.1234", "-1000.1234": "-1,000.1234", "9223372036.8548": "9,223,372,036.8548", "-": "-", "100000": "100,000",
	} {
		if got := groupThousands(give); got != want {
			t.Errorf("grouped(%q): got %q, want %q", give, got, want)
		}
	}
}
