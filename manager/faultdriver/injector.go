package faultdriver

import (
	"slices"
	"sync"

	"github.com/stakeledger/stakeledger/manager"
)

// An Injector makes the calls of all connections that it wraps fail as its
// faults say. It is safe for concurrent use; calls of several connections are
// counted together, in the order in which they come.
type Injector struct {
	mu     sync.Mutex
	armed  []armed
	counts map[Point]int
	fired  []Fault
	strays []string
	open   int
}

// armed is a fault and how many calls it could have happened at.
type armed struct {
	Fault
	seen int
}

// New makes an injector with the given faults. Without any it only counts.
func New(faults ...Fault) *Injector {
	i := &Injector{}
	i.Arm(faults...)
	return i
}

// Wrap is for [manager.WithDriver].
func (i *Injector) Wrap(inner manager.DriverConn) manager.DriverConn {
	i.mu.Lock()
	i.open++
	i.mu.Unlock()
	c := &conn{DriverConn: inner, injector: i}
	if f := i.hit(Open, ""); f != nil {
		c.refused = f.Code.Err()
		i.note(f)
	}
	return c
}

// Arm puts new faults in the place of the old ones, and resets the counts:
// calls, faults that fired, and strays. Without arguments nothing fails any more.
func (i *Injector) Arm(faults ...Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = nil
	for _, f := range faults {
		i.armed = append(i.armed, armed{Fault: f})
	}
	i.counts, i.fired, i.strays = map[Point]int{}, nil, nil
}

// Count is how many calls came to a point, those that failed included.
func (i *Injector) Count(p Point) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.counts[p]
}

// Fired lists the faults that happened, in their order: one that happens
// several times several times, with Nth saying at which call.
func (i *Injector) Fired() []Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.fired)
}

// Strays lists the statements that could change the database and ran outside a
// transaction: what a program means to be part of one must never be here. PRAGMAs
// are not looked at.
func (i *Injector) Strays() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.strays)
}

// Connections is how many connections are open.
func (i *Injector) Connections() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.open
}

// hit counts a call and returns the fault that is due at it, or nil.
func (i *Injector) hit(p Point, query string) *Fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counts[p]++
	var due *Fault
	for n := range i.armed {
		a := &i.armed[n]
		if a.Point != p || a.Query != "" && a.Query != query {
			continue
		}
		if a.seen++; due == nil && a.covers(a.seen) {
			f := a.Fault
			f.Nth, f.Times = a.seen, 1
			due = &f
		}
	}
	return due
}

// note records that a fault has happened.
func (i *Injector) note(f *Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fired = append(i.fired, *f)
}

func (i *Injector) stray(query string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.strays = append(i.strays, query)
}

func (i *Injector) closed() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open--
}
