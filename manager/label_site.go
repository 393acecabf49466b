package manager

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	labelDepth = 16 // how many frames up the callers of a wrapper are searched
	labelLooks = 32 // after so many calls and statements a site is decided not to be a wrapper's
)

// A labelSite is a function literal that is passed to WithTx or ReadOnly. Naming
// its first transactions costs a walk up the stack, the later ones a map lookup.
type labelSite struct {
	pc    uintptr
	looks atomic.Int32
	depth atomic.Int32 // of a wrapper: how many frames above newLabel the caller is that names its transactions
	name  atomic.Pointer[string]
	base  atomic.Int32 // how many frames above newLabel the function is that the closure was written in
}

type labelTable struct {
	mu    sync.Mutex // held to add a site
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

// isDecided reports whether it is known if s is a wrapper's.
func (s *labelSite) isDecided() bool { return s.depth.Load() > 0 || s.looks.Load() >= labelLooks }

// noteCall learns the name and the base of s from the callers of one call.
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
	if s.base.Load() == 0 { // the closure was made elsewhere, perhaps by a function that was inlined here
		s.looks.Store(labelLooks)
		for _, f := range frames[min(1, len(frames)):] {
			if rest, ok := strings.CutPrefix(name, shortName(f.Function)+"."); ok {
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

// findWrapper makes s a wrapper's if a closure runs inside it that was written in one
// of its callers.
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
