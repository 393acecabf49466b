package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// axeEnv names the file of axe-core, an accessibility checker, where there is one: without it, the rest is tested.
const axeEnv = "AXE_CORE"

// browserTime is when a browser that does not answer is ended.
const browserTime = 3 * time.Minute

// browser is a page of a headless Chromium, which is spoken to through pipes in the DevTools protocol.
type browser struct {
	t       *testing.T
	to      io.Writer
	from    *bufio.Reader
	session string
	sent    int
	logged  []string // what the page logged, and what it was refused
}

// message is an answer or, with a method, an event.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// browserProgram is a Chromium that can say its version: one that cannot is half installed, or only says how to install it.
func browserProgram(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserTime)
	defer cancel()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if exec.CommandContext(ctx, name, "--version").Run() == nil {
			return name
		}
	}
	t.Skip("no chromium here; the page was not opened in a browser")
	return ""
}

// startBrowser starts Chromium, or skips the test where there is none; the end of the test ends it.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := browserProgram(t)
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile := profileFolder(t)
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	late := time.AfterFunc(browserTime, func() { _ = cmd.Process.Kill() })
	b := &browser{t: t, to: ourOut, from: bufio.NewReader(ourIn)}
	_ = b.send("Browser.getVersion", nil)
	if _, err := b.from.Peek(1); err != nil {
		_, _ = cmd.Process.Kill(), cmd.Wait()
		t.Skipf("%s does not start here (%v); the page was not opened in a browser", program, cmd.ProcessState)
	}
	t.Cleanup(func() {
		b.t, b.session = t, ""
		b.call("Browser.close", nil, nil)
		_ = cmd.Wait()
		late.Stop()
		_, _ = ourOut.Close(), ourIn.Close()
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// profileFolder is for the browser's own files. Unlike that of t.TempDir its removal is tried again: processes of the
// browser outlive the one that was waited for, and write.
func profileFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	return dir
}

// send sends a command.
func (b *browser) send(method string, params map[string]any) error {
	b.sent++
	command := map[string]any{"id": b.sent, "method": method, "params": params}
	if params == nil {
		command["params"] = map[string]any{}
	}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	if err != nil {
		return err
	}
	_, err = b.to.Write(append(text, 0))
	return err
}

// call sends a command and waits for its answer.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	if err := b.send(method, params); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.next(method)
		if m.ID != b.sent {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

// next reads a message, and keeps what the page logged.
func (b *browser) next(waitingFor string) (m message) {
	b.t.Helper()
	text, err := b.from.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: the browser has ended: %v", waitingFor, err)
	}
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatalf("%s: %v", waitingFor, err)
	}
	switch m.Method {
	case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
		b.logged = append(b.logged, string(m.Params))
	}
	return m
}

// open shows a page of so many pixels in width, to someone who prefers a colour scheme.
func (b *browser) open(page string, width int, scheme string) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.call("Page.navigate", map[string]any{"url": "file://" + page}, nil)
	if ready := b.run(`new Promise(function (done) { if (document.readyState === "complete") { done("yes"); } else { addEventListener("load", function () { done("yes"); }); } })`); ready != "yes" {
		b.t.Fatalf("open %s: got %q", page, ready)
	}
}

// run evaluates an expression in the page and waits for what it promises, a text.
func (b *browser) run(expression string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value string }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("the page threw %.1000s", got.ExceptionDetails)
	}
	return got.Result.Value
}

// simulatedPage is the file of a page of a ledger of made-up events.
func simulatedPage(t *testing.T, miners, events int, span string) (path string) {
	t.Helper()
	db := file(t, "ledger.db")
	made := must(t, "", "simulate", "--miners", fmt.Sprint(miners), "--events", fmt.Sprint(events), "--span", span, "--start", "2025-04-03T00:00:00Z")
	must(t, made, "--db", db, "ingest", "-", "--json")
	return writeFile(t, "page.html", page(t, db))
}

// TestPageInABrowser does what a reader does, at the width of a desktop, a tablet and a phone, with the page as
// it is: under its own policy, which must refuse nothing of it.
func TestPageInABrowser(t *testing.T) {
	test, err := os.ReadFile("testdata/browser.js")
	if err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	axe := "''"
	if path := os.Getenv(axeEnv); path == "" {
		t.Logf("%s names no file; axe did not run", axeEnv)
	} else if text, err := os.ReadFile(path); err != nil {
		t.Fatal(err)
	} else {
		axe = string(text) + "; ''"
	}
	week, years := simulatedPage(t, 60, 1500, "168h"), simulatedPage(t, 5, 1500, "17520h")
	for _, c := range []struct {
		name, page, scheme string
		width              int
	}{
		{"a week of 60 miners on a desktop", week, "light", 1280},
		{"a week of 60 miners on a tablet", week, "light", 768},
		{"a week of 60 miners on a phone", week, "dark", 390},
		{"two years of 5 miners on a desktop", years, "dark", 1280},
		{"two years of 5 miners on a tablet", years, "light", 768},
		{"a day of one miner on a phone", simulatedPage(t, 1, 60, "24h"), "light", 390},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.open(c.page, c.width, c.scheme)
			if len(b.logged) > 0 {
				t.Errorf("the browser logged %.2000s", strings.Join(b.logged, "\n"))
			}
			b.run(axe)
			if wrong := b.run(fmt.Sprintf("(%s)(%d)", test, c.width)); wrong != "" {
				t.Errorf("wrong:\n%s", wrong)
			}
			b.logged = nil
		})
	}
}

// TestPageOnPaper: every miner is printed, also those that the screen folds away, and no table is cut on A4.
func TestPageOnPaper(t *testing.T) {
	b := startBrowser(t)
	b.open(simulatedPage(t, 300, 1500, "168h"), 1280, "dark")
	var pdf struct{ Data []byte }
	b.call("Page.printToPDF", map[string]any{"preferCSSPageSize": true}, &pdf)
	if pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf.Data, -1)); pages < 6 {
		t.Errorf("got %d pages, want the 6 or more that 300 rows take", pages)
	}
	const a4 = 186 * 96 * 10 / 254 // pixels between its margins
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": a4, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	cut := b.run(`Array.from(document.querySelectorAll("section")).filter(function (e) { return e.scrollWidth > e.clientWidth + 1; }).map(function (e) { return e.innerText; }).join("\n")`)
	if cut != "" {
		t.Errorf("cut on paper: %.1000s", cut)
	}
	if got := b.run(`String(Array.from(document.querySelectorAll("#miners tbody tr")).filter(function (e) { return !e.checkVisibility(); }).length)`); got != "0" {
		t.Errorf("%s rows are left out on paper", got)
	}
	if got := b.run(`getComputedStyle(document.querySelector("#miners th button")).display`); got != "contents" {
		t.Errorf("the buttons of the header are %q on paper, where Chromium would not repeat it on each page", got)
	}
}
