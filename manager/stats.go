package manager

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats is what a manager has done since Open.
type Stats struct {
	Queue        int           // writers waiting now
	Commits      uint64        // write transactions committed
	QueueWait    time.Duration // time that writers waited for their turn, summed
	Groups       uint64        // commits shared by several waiting writers
	Retries      uint64        // attempts repeated because the database was busy
	Reads        uint64        // read transactions
	StandbyReads uint64        // those of them that a standby served, see MayBeStale
	ReadWait     time.Duration // time spent waiting for a reader, summed
	Checkpoints  uint64        // checkpoints of the write-ahead log
	WALFrames    int           // frames in the write-ahead log when it was last looked at
	Queries      map[string]QueryStats
	WriterLabel  string   // the write transaction running now, if any; several on a server
	ReaderLabels []string // the read transactions running now, and the backups that hold a snapshot
}

// QueryStats counts the uses of one sqlc query, by its name.
type QueryStats struct {
	Count  uint64        // how often it ran
	Errors uint64        // how often it failed
	Time   time.Duration // from its start to the closing of its rows, summed
}

// queryStats counts the uses of a query on one connection. Reading it takes no
// lock, so Stats never waits for a long statement.
type queryStats struct {
	count, errors atomic.Uint64
	elapsed       atomic.Int64 // nanoseconds
}

func (s *queryStats) add(elapsed time.Duration, err error) {
	s.count.Add(1)
	s.elapsed.Add(int64(elapsed))
	if err != nil {
		s.errors.Add(1)
	}
}

// A queryTable holds one connection's counts by query name.
type queryTable struct {
	mu     sync.Mutex
	byName map[string]*queryStats
}

func (t *queryTable) statsOf(name string) *queryStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byName[name]
	if s == nil {
		if t.byName == nil {
			t.byName = map[string]*queryStats{}
		}
		s = &queryStats{}
		t.byName[name] = s
	}
	return s
}

// addTo adds the connection's counts to those of the others.
func (t *queryTable) addTo(queries map[string]QueryStats) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, s := range t.byName {
		q := queries[name]
		q.Count += s.count.Load()
		q.Errors += s.errors.Load()
		q.Time += time.Duration(s.elapsed.Load())
		queries[name] = q
	}
}

// counters count across all connections.
type counters struct {
	groups, retries, reads, standbyReads, checkpoints atomic.Uint64
	readWait, queueWait                               atomic.Int64
	walFrames                                         atomic.Int64
}

func (co *core) snapshotStats() Stats {
	s := Stats{
		Groups:       co.stats.groups.Load(),
		Retries:      co.stats.retries.Load(),
		Reads:        co.stats.reads.Load(),
		StandbyReads: co.stats.standbyReads.Load(),
		ReadWait:     time.Duration(co.stats.readWait.Load()),
		QueueWait:    time.Duration(co.stats.queueWait.Load()),
		Checkpoints:  co.stats.checkpoints.Load(),
		WALFrames:    int(co.stats.walFrames.Load()),
		Queries:      map[string]QueryStats{},
	}
	if q := co.writeQueue(); q != nil {
		_, s.Queue = q.peek()
		s.Commits = co.commits.Load()
	}
	s.WriterLabel = holderLabels(co.writeConns())
	for _, c := range co.writeConns() {
		c.stats.addTo(s.Queries)
	}
	for _, c := range co.readConns() {
		c.stats.addTo(s.Queries)
		if l := c.holder.Load(); l != nil {
			s.ReaderLabels = append(s.ReaderLabels, l.String())
		}
	}
	s.ReaderLabels = append(s.ReaderLabels, co.backups.labels(true)...)
	return s
}
