package pgtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Proxy stands between clients and a server. It counts the answers that the
// clients ask for, makes the way longer, and fails on purpose.
type Proxy struct {
	// URL leads through the proxy.
	URL string

	server   string // its socket
	listener net.Listener
	delay    atomic.Int64
	trips    atomic.Int64
	mu       sync.Mutex
	cuts     []Cut
	stalled  chan struct{} // closed when nothing is held back any more; nil: nothing is
	open     map[net.Conn]bool
}

// Cut says when the connection of a COMMIT is cut.
type Cut int

// The cuts.
const (
	Unsent     Cut = iota // before the server gets it
	Unanswered            // when the server has done it, and before the client gets its answer
	Uncut                 // not at all
)

// NewProxy starts a proxy to the server of a URL of this package's.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "pgproxy-") // t.TempDir's name may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	p := &Proxy{server: socket(q.Get("host"), q.Get("port")), open: map[net.Conn]bool{}}
	q.Set("host", dir)
	q.Del("port")
	u.RawQuery = q.Encode()
	p.URL = u.String()
	if p.listener, err = net.Listen("unix", socket(dir, "")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, socket(dir, "")} { // a standby connects too
		if err := Hand(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.Stall(false)
		p.Drop()
		_ = os.RemoveAll(dir)
	})
	go p.accept()
	return p
}

func socket(dir, port string) string {
	if port == "" {
		port = "5432"
	}
	return filepath.Join(dir, ".s.PGSQL."+port)
}

// Trips is how often a client has asked for an answer: the messages Query and Sync.
func (p *Proxy) Trips() int64 { return p.trips.Load() }

// Delay makes every message reach the server so much later.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// CutCommits says what becomes of the connections of the next COMMITs of
// transactions that write, one each.
func (p *Proxy) CutCommits(cuts ...Cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts = cuts
}

// Stall holds everything back from now on, or lets it go.
func (p *Proxy) Stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.stalled == nil:
		p.stalled = make(chan struct{})
	case !on && p.stalled != nil:
		close(p.stalled)
		p.stalled = nil
	}
}

// Drop cuts every connection.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("unix", p.server)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	end := func() {
		_, _ = client.Close(), server.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, client)
		delete(p.open, server)
	}
	var swallow atomic.Bool
	go func() {
		defer end()
		p.answers(client, server, &swallow)
	}()
	defer end()
	p.requests(server, client, &swallow)
}

// answers passes on what the server says, up to the answer that is to be lost.
func (p *Proxy) answers(client io.Writer, server io.Reader, swallow *atomic.Bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil || swallow.Load() && bytes.Contains(buf[:n], []byte{'Z', 0, 0, 0, 5}) {
			return
		}
		if swallow.Load() {
			continue
		}
		p.hold()
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// requests passes on what the client says, message by message, each with the delay.
func (p *Proxy) requests(server io.Writer, client io.Reader, swallow *atomic.Bool) {
	type sent struct {
		due  time.Time
		text []byte
	}
	line := make(chan sent, 1024)
	defer close(line)
	go func() {
		for m := range line {
			time.Sleep(time.Until(m.due))
			p.hold()
			_, _ = server.Write(m.text)
		}
	}()
	in, writes := bufio.NewReader(client), false
	for header := 4; ; header = 5 { // the first message has no type
		text, err := message(in, header)
		if err != nil {
			return
		}
		if header == 5 {
			if text[0] == 'Q' || text[0] == 'S' {
				p.trips.Add(1)
			}
			writes = writes || bytes.Contains(text, []byte("READ WRITE"))
			if cut, armed := p.cutAt(text, writes); armed {
				if cut == Unsent {
					return
				}
				swallow.Store(true)
			}
		}
		line <- sent{time.Now().Add(time.Duration(p.delay.Load())), text}
	}
}

// message reads one message: its type, if it has one, its length and the rest.
func message(in io.Reader, header int) ([]byte, error) {
	text := make([]byte, header)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, err
	}
	rest := make([]byte, binary.BigEndian.Uint32(text[header-4:])-4)
	_, err := io.ReadFull(in, rest)
	return append(text, rest...), err
}

// cutAt is the cut that is due at a message of a connection.
func (p *Proxy) cutAt(text []byte, writes bool) (Cut, bool) {
	if !writes || text[0] != 'Q' && text[0] != 'P' || !bytes.Contains(text, []byte("COMMIT\x00")) {
		return 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cuts) == 0 {
		return 0, false
	}
	cut := p.cuts[0]
	p.cuts = p.cuts[1:]
	return cut, cut != Uncut
}

// hold waits while everything is stalled.
func (p *Proxy) hold() {
	p.mu.Lock()
	stalled := p.stalled
	p.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}
