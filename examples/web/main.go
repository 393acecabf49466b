// Web is a guest book: net/http, sessions of a public package in the same
// database, a health check, and an end that loses nothing.
//
//	go run . guests.db
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"

	"github.com/stakeledger/stakeledger/examples/web/db"
	"github.com/stakeledger/stakeledger/manager"
	"github.com/stakeledger/stakeledger/manager/migrate"
)

//go:embed schema/*.sql
var schema embed.FS

var migrations = manager.WithMigration(migrate.Up(schema))

type store = manager.DB[*db.Queries, *db.Queries]

type app struct {
	db       *store
	sessions *scs.SessionManager
	cleanup  *sqlite3store.SQLite3Store
}

func newApp(db *store) *app {
	// The session store wants a *sql.DB. This one stands in the manager's queue:
	// opened beside it, the two would fight for the file.
	a := &app{db: db, sessions: scs.New(), cleanup: sqlite3store.New(db.SQL())}
	a.sessions.Store = a.cleanup
	return a
}

// close ends what newApp began.
func (a *app) close(ctx context.Context) error {
	a.cleanup.StopCleanup()
	return a.db.Close(ctx)
}

func (a *app) handler() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", a.show)
	pages.HandleFunc("POST /{$}", a.sign)
	mux := http.NewServeMux()
	mux.Handle("/", a.sessions.LoadAndSave(pages))
	mux.HandleFunc("GET /healthz", a.health)
	return mux
}

func (a *app) show(w http.ResponseWriter, r *http.Request) {
	entries, err := manager.Read(r.Context(), a.db, func(ctx context.Context, q *db.Queries) ([]db.Entry, error) {
		return q.LatestEntries(ctx, 20)
	})
	if err != nil {
		fail(w, err)
		return
	}
	if name := a.sessions.GetString(r.Context(), "name"); name != "" {
		fmt.Fprintf(w, "<p>Welcome back, %s.</p>\n", html.EscapeString(name))
	}
	for _, e := range entries {
		fmt.Fprintf(w, "<p>%s: %s</p>\n", html.EscapeString(e.Name), html.EscapeString(e.Text))
	}
}

func (a *app) sign(w http.ResponseWriter, r *http.Request) {
	name, text := r.PostFormValue("name"), r.PostFormValue("text")
	if name == "" || text == "" {
		http.Error(w, "name and text are needed", http.StatusBadRequest)
		return
	}
	err := a.db.WithTx(r.Context(), func(ctx context.Context, q *db.Queries) error {
		return q.AddEntry(ctx, db.AddEntryParams{Name: name, Text: text})
	})
	if err != nil {
		fail(w, err)
		return
	}
	a.sessions.Put(r.Context(), "name", name)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// health writes nothing: it asks for a reader and reads the file.
func (a *app) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := a.db.SQL().PingContext(ctx); err != nil {
		fail(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}

// fail tells a client to come back when the database is busy.
func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	if errors.Is(err, manager.ErrBusy) || errors.Is(err, manager.ErrQueueFull) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	http.Error(w, "internal error", http.StatusInternalServerError)
}

// serve runs until ctx ends; then requests that run are finished before the
// database is closed.
func serve(ctx context.Context, a *app, server *http.Server) error {
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(grace), a.close(grace))
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: web FILE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := manager.Open(ctx, os.Args[1], db.New, db.New, migrations)
	if err != nil {
		log.Fatal(err)
	}
	a := newApp(db)
	log.Print("http://127.0.0.1:8080")
	if err := serve(ctx, a, &http.Server{Addr: "127.0.0.1:8080", Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second}); err != nil {
		log.Fatal(err)
	}
}
