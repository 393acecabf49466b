package manager

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	labelDepth = 16 // how far up a wrapper's callers are looked for
	labelLooks = 32 // after so many calls and statements a site is no wrapper's
)

// A labelSite is a function that is given to WithTx or ReadOnly, one for each in
// the program's text. What is said of it costs its first transactions a walk up the
// stack, and the others a look into a map.
type labelSite struct {
	pc    uintptr
	looks atomic.Int32
	depth atomic.Int32 // in a wrapper's, how far above newLabel the caller is that names its transactions
	name  atomic.Pointer[string]
	base  atomic.Int32 // how far above newLabel the closure was written
}

type labelTable struct {
	mu    sync.Mutex // held to add one
	sites atomic.Pointer[map[uintptr]*labelSite]
}

var labelSites labelTable

// siteOf is the site of the function at pc.
func (t *labelTable) siteOf(pc uintptr) *labelSite {
	if known := t.sites.Load(); known != nil {
		if s := (*known)[pc]; s != nil {
			return s
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	sites := map[uintptr]*labelSite{}
	if known := t.sites.Load(); known != nil {
		if s := (*known)[pc]; s != nil {
			return s
		}
		maps.Copy(sites, *known)
	}
	s := &labelSite{pc: pc}
	sites[pc] = s
	t.sites.Store(&sites)
	return s
}

// isDecided reports whether no more is found out about s.
func (s *labelSite) isDecided() bool { return s.depth.Load() > 0 || s.looks.Load() >= labelLooks }

// noteCall notes a call of s, from callers.
func (s *labelSite) noteCall(callers []uintptr) {
	s.looks.Add(1)
	if s.name.Load() != nil {
		return
	}
	closure := runtime.FuncForPC(s.pc).Name()
	name := shortName(closure)
	frames := framesOf(callers)
	for i, f := range frames {
		if i > 0 && isWrittenIn(f.Function, closure) {
			name = shortName(f.Function)
			s.base.Store(int32(i))
			break
		}
	}
	if s.base.Load() == 0 { // made elsewhere: by a function that may have been inlined here
		s.looks.Store(labelLooks)
		for _, f := range frames[min(1, len(frames)):] {
			if rest, ok := strings.CutPrefix(name, f.Function+"."); ok {
				name = nameParts(f.Function)[0] + "." + rest
				break
			}
		}
	}
	s.name.Store(&name)
}

// writtenName is the name of the function that s was written in.
func (s *labelSite) writtenName() string {
	if name := s.name.Load(); name != nil {
		return *name
	}
	return shortName(runtime.FuncForPC(s.pc).Name())
}

// findWrapper looks at what runs inside s, the innermost first: a closure that one of
// its callers wrote makes s a wrapper's.
func (s *labelSite) findWrapper(inside, callers []runtime.Frame) {
	s.looks.Add(1)
	base := int(s.base.Load())
	for i := len(inside) - 1; i >= 0; i-- {
		f := inside[i].Function
		if !isClosure(f) || isWrittenIn(callers[base].Function, f) {
			continue
		}
		for depth := base + 1; depth < len(callers); depth++ {
			if isWrittenIn(callers[depth].Function, f) {
				s.depth.Store(int32(depth))
				return
			}
		}
	}
}

// isClosure reports whether a function was written inside another.
func isClosure(function string) bool {
	parts := strings.Split(function[strings.LastIndexByte(function, '/')+1:], ".")
	return len(parts) > 2 && closureSuffix(parts[len(parts)-1])
}
