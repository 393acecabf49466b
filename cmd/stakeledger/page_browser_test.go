package main

import (
	"context"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// axeEnv names the file of axe-core, an accessibility checker, where there is one: without it, the rest is tested.
const axeEnv = "AXE_CORE"

// browser runs Chromium on a page, with what to do with it, and returns what it prints.
func browser(t *testing.T, page string, args ...string) (stdout, stderr string) {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("no chromium here; the page was not opened in a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir(),
	}, args...)
	cmd := exec.CommandContext(ctx, program, append(args, "file://"+page)...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, errs.String())
	}
	return out.String(), errs.String()
}

// simulatedPage is the page of a ledger of made-up events.
func simulatedPage(t *testing.T, miners, events int, span string) string {
	t.Helper()
	db := file(t, "ledger.db")
	made := must(t, "", "simulate", "--miners", fmt.Sprint(miners), "--events", fmt.Sprint(events), "--span", span, "--start", "2025-04-03T00:00:00Z")
	must(t, made, "--db", db, "ingest", "-", "--json")
	return page(t, db)
}

// inTheDark is a page as those see it who prefer dark colours.
func inTheDark(t *testing.T, page string) string {
	t.Helper()
	const asked = "@media screen and (prefers-color-scheme: dark)"
	if !strings.Contains(page, asked) {
		t.Fatalf("the page does not ask %q", asked)
	}
	return strings.Replace(page, asked, "@media screen", 1)
}

// TestPageRunsInABrowser: the page's script runs under the page's own policy, and nothing is refused.
func TestPageRunsInABrowser(t *testing.T) {
	path := writeFile(t, "page.html", simulatedPage(t, 60, 1500, "168h"))
	dom, logged := browser(t, path, "--virtual-time-budget=5000", "--dump-dom")
	if lines := strings.Count(dom, `<path d="M`); lines < 3 {
		t.Errorf("got %d lines in charts, want that of all miners and some of winners and losers", lines)
	}
	if strings.Contains(logged, "CONSOLE") {
		t.Errorf("the browser logged %s", logged)
	}
}

// TestPageInABrowser does what a reader does, at the width of a desktop, a tablet and a phone.
func TestPageInABrowser(t *testing.T) {
	test, err := os.ReadFile("testdata/browser.js")
	if err != nil {
		t.Fatal(err)
	}
	script := "<script>" + string(test) + "</script>"
	if axe := os.Getenv(axeEnv); axe != "" {
		text, err := os.ReadFile(axe)
		if err != nil {
			t.Fatal(err)
		}
		script = "<script>" + string(text) + "</script>" + script
	} else {
		t.Logf("%s names no file; axe did not run", axeEnv)
	}
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	for _, c := range []struct {
		name   string
		page   string
		widths []int
	}{
		{"a week of 60 miners", simulatedPage(t, 60, 1500, "168h"), []int{1280, 768, 390}},
		{"two years of 5 miners, in the dark", inTheDark(t, simulatedPage(t, 5, 1500, "17520h")), []int{768}},
	} {
		path := writeFile(t, "page.html", policy.ReplaceAllString(strings.Replace(c.page, "</body>", script+"</body>", 1), ""))
		for _, width := range c.widths {
			t.Run(fmt.Sprintf("%s, %d px", c.name, width), func(t *testing.T) {
				// A frame may be narrower than a window, and reports what it found to it.
				frame := writeFile(t, "frame.html", fmt.Sprintf(`<!doctype html><iframe src="file://%s#%[2]d" width="%[2]d" height="900" style="border:0"></iframe>`+
					`<script>onmessage = function (e) { var p = document.createElement("pre"); p.id = "result"; p.textContent = e.data; document.body.append(p); }</script>`, path, width))
				dom, _ := browser(t, frame, "--window-size=1400,1000", "--virtual-time-budget=20000", "--dump-dom")
				result := regexp.MustCompile(`(?s)<pre id="result">(.*?)</pre>`).FindStringSubmatch(dom)
				if result == nil {
					t.Fatalf("the test did not end: %.2000s", dom)
				}
				if got := html.UnescapeString(result[1]); got != "nothing" {
					t.Errorf("wrong:\n%s", got)
				}
			})
		}
	}
}

// TestPageOnPaper: every miner is printed, also those that the screen folds away.
func TestPageOnPaper(t *testing.T) {
	path := writeFile(t, "page.html", simulatedPage(t, 300, 1500, "168h"))
	pdf := filepath.Join(t.TempDir(), "page.pdf")
	browser(t, path, "--virtual-time-budget=5000", "--no-pdf-header-footer", "--print-to-pdf="+pdf)
	text, err := os.ReadFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	if pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(text, -1)); pages < 6 {
		t.Errorf("got %d pages, want the 6 or more that 300 rows take", pages)
	}
}
