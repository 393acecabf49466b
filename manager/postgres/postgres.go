package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stakeledger/stakeledger/manager/internal/engine"
)

func init() { engine.Register(server{}, "postgres", "postgresql") }

// connectTimeout is for each host, where the URL names none: an address that
// nobody answers at must not use up the retry budget.
const connectTimeout = 3 * time.Second

type server struct{}

// Parse reads a URL.
func (server) Parse(url string, s engine.Settings) (engine.Database, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil { // its text quotes the URL, without what it takes for the password
		return nil, &engine.Error{Kind: engine.Unsupported, Detail: "the URL of the server cannot be read; it has the form postgres://user@host:port/database?sslmode=verify-full"}
	}
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout == 2*time.Minute {
		cfg.ConnectTimeout = connectTimeout
		cfg.DialFunc = (&net.Dialer{Timeout: connectTimeout, KeepAliveConfig: keepAlive}).DialContext
	}
	if cfg.ValidateConnect == nil && !s.Standby {
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "stakeledger"
	}
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	d := &database{cfg: cfg, settings: s, pooled: pooled[cfg.DefaultQueryExecMode]}
	if !d.pooled { // a pooler refuses parameters that it does not know
		cfg.RuntimeParams["bytea_output"] = "hex"
	}
	grace := cancelGrace
	if s.Standby {
		grace = standbyGrace
	}
	cfg.BuildContextWatcherHandler = func(pc *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pc, DeadlineDelay: grace}
	}
	return d, nil
}

// pooled are the modes of pgx, default_query_exec_mode in the URL, that ask for
// no statements which the server keeps: a pooler is between, and each transaction
// may be on another connection of the server's.
var pooled = map[pgx.QueryExecMode]bool{pgx.QueryExecModeExec: true, pgx.QueryExecModeSimpleProtocol: true, pgx.QueryExecModeDescribeExec: true, pgx.QueryExecModeCacheDescribe: true}

// A connection whose other end has vanished is given up after about half a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}

// cancelGrace is how long a statement that was asked to end may take to do so.
const cancelGrace = 2 * time.Second

// standbyGrace is the same where nothing is lost with the connection.
const standbyGrace = 100 * time.Millisecond

type database struct {
	cfg      *pgx.ConnConfig
	settings engine.Settings
	pooled   bool // nothing may stay on a connection when a transaction has ended
	warned   sync.Once
}

// Name is the URL without its password and parameters.
func (d *database) Name() string {
	u := url.URL{Scheme: "postgres", User: url.User(d.cfg.User), Path: "/" + d.cfg.Database}
	if strings.HasPrefix(d.cfg.Host, "/") { // a socket
		return u.String() + "?host=" + d.cfg.Host
	}
	hosts := []string{net.JoinHostPort(d.cfg.Host, strconv.Itoa(int(d.cfg.Port)))}
	for _, f := range d.cfg.Fallbacks {
		if host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	u.Host = strings.Join(hosts, ",")
	return u.String()
}

// Engine is the engine's name.
func (d *database) Engine() string { return "postgres" }

// Snapshot are the texts of a transaction that reads.
func (d *database) Snapshot() (begin, pin string) {
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1"
}

// Connect opens a connection and sets it up.
func (d *database) Connect(ctx context.Context, write bool) (engine.Conn, error) {
	c := &conn{write: write, pooled: d.pooled, positions: write && d.settings.Positions}
	cfg := d.cfg.Config.Copy()
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Code == committedLocally && (n.Routine == waitsForStandbys || n.Routine == "") {
			c.unreplicated = true
		}
	}
	pc, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, connectError(err)
	}
	c.pc = pc
	if err := d.setUp(ctx, c); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// setUp sets what a connection needs and reads it back, in one message.
func (d *database) setUp(ctx context.Context, c *conn) error {
	level := "current_setting('synchronous_commit')"
	switch d.settings.Durability {
	case engine.Durable:
		level = "CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply') THEN current_setting('synchronous_commit') ELSE 'on' END"
	case engine.None:
		level = "'off'"
	}
	budget := max(1, d.settings.RetryBudget.Milliseconds())
	text := "SELECT set_config('synchronous_commit', " + level + ", " + strconv.FormatBool(d.pooled) + "), set_config('lock_timeout', '" +
		strconv.FormatInt(budget, 10) + "ms', " + strconv.FormatBool(d.pooled) + "), current_setting('fsync')"
	if d.pooled { // each transaction sets them for itself
		c.local = text
	}
	results, err := c.pc.Exec(ctx, text).ReadAll()
	if err != nil {
		return c.classify(err)
	}
	row := results[0].Rows[0]
	if got := string(row[0]); d.settings.Durability == engine.Durable && got != "on" && got != "remote_apply" {
		return &engine.Error{Kind: engine.Unsupported, Detail: "the server kept synchronous_commit at " + got + ", at which a commit that was answered may be lost"}
	}
	if string(row[2]) == "off" && c.write && d.settings.Durability != engine.None {
		d.warned.Do(func() {
			d.settings.Logger.Warn("the server runs with fsync=off: a power failure or a crash of its machine WILL DAMAGE the database", slog.String("database", d.Name()))
		})
	}
	return nil
}

// Pool is for migrations.
func (d *database) Pool() (*sql.DB, error) {
	db := sql.OpenDB(migrations{stdlib.GetConnector(*d.cfg)})
	db.SetMaxOpenConns(4)
	return db, nil
}

// migrations is pgx's connector, whose driver says what it is.
type migrations struct{ driver.Connector }

func (m migrations) Driver() driver.Driver { return dialect{m.Connector.Driver()} }

// Connect opens a connection; an error of it is one that can be retried.
func (m migrations) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, connectError(err)
	}
	return c, nil
}

type dialect struct{ driver.Driver }

// GooseDialect is what package migrate asks for.
func (dialect) GooseDialect() string { return "postgres" }
