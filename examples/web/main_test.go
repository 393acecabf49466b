package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stakeledger/stakeledger/examples/web/db"
	"github.com/stakeledger/stakeledger/manager/managertest"
)

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s %v", url, response.Status, body, err)
	}
	return string(body)
}

func TestGuestIsRemembered(t *testing.T) {
	a := newApp(managertest.Open(t, db.New, db.New, migrations))
	defer a.cleanup.StopCleanup()
	server := httptest.NewServer(a.handler())
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	guest := &http.Client{Jar: jar}
	response, err := guest.PostForm(server.URL, url.Values{"name": {"Ada"}, "text": {"<b>hello</b>"}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	page := get(t, guest, server.URL)
	for _, want := range []string{"Welcome back, Ada", "Ada: &lt;b&gt;hello"} {
		if !strings.Contains(page, want) {
			t.Errorf("page: got %q, want it to contain %q", page, want)
		}
	}
	if page := get(t, http.DefaultClient, server.URL); strings.Contains(page, "Welcome back") {
		t.Errorf("page of a stranger: got %q", page)
	}
	if got := get(t, http.DefaultClient, server.URL+"/healthz"); got != "ok\n" {
		t.Errorf("health: got %q", got)
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	a := newApp(managertest.Open(t, db.New, db.New, migrations))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, a, &http.Server{Addr: "127.0.0.1:0", Handler: a.handler(), ReadHeaderTimeout: time.Second})
	}()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
