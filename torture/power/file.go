package power

import "math/rand/v2"

// sector is what a disk writes as a whole, in bytes.
const sector = 512

// A file is what is certainly on the disk, and the later changes, of which any
// part may be.
type file struct {
	synced []byte
	later  []Op // Wrote and Truncated
	size   int64
}

func (f *file) change(op Op) {
	f.later = append(f.later, op)
	f.size = sizeAfter(f.size, op)
}

func sizeAfter(size int64, op Op) int64 {
	if op.Kind == Truncated {
		return op.Offset
	}
	return max(size, op.Offset+int64(len(op.Data)))
}

func (f *file) sync() {
	f.synced = f.after(f.size, func(int64) int { return len(f.later) }, nil)
	f.later = nil
}

// found is one way in which the file may be found.
func (f *file) found(r *rand.Rand) []byte {
	if len(f.later) == 0 {
		return f.synced
	}
	fill := func([]byte) {}
	if r.IntN(2) == 0 { // blocks given to the file, but never written, hold what they held before
		fill = func(b []byte) {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
	}
	return f.after(f.foundSize(r), f.reached(r), fill)
}

// foundSize is mostly the last one, which shows most of the rest, or one that
// the file had on the way.
func (f *file) foundSize(r *rand.Rand) int64 {
	upTo := len(f.later)
	if r.IntN(2) == 0 {
		upTo = r.IntN(len(f.later) + 1)
	}
	size := int64(len(f.synced))
	for _, op := range f.later[:upTo] {
		size = sizeAfter(size, op)
	}
	return size
}

// reached chooses up to which change each sector was written. A sector is written
// as a whole, with every change made to it before. Neighbours may differ.
func (f *file) reached(r *rand.Rand) func(at int64) int {
	n := len(f.later)
	switch r.IntN(7) {
	case 0: // nothing was written
		return func(int64) int { return 0 }
	case 1: // everything was
		return func(int64) int { return n }
	case 2: // in order, and the last write is torn
		last := r.IntN(n)
		return func(int64) int { return last + r.IntN(2) }
	case 3: // each write whole or not at all, in any order
		return f.reachedWrites(r, 1+r.IntN(9))
	case 4: // some sectors lag behind
		lag := 1 + r.IntN(16)
		return func(int64) int {
			if r.IntN(lag) == 0 {
				return r.IntN(n + 1)
			}
			return n
		}
	case 5: // page by page
		pages := map[int64]int{}
		return func(at int64) int {
			page := at / 4096
			if _, ok := pages[page]; !ok {
				pages[page] = r.IntN(n + 1)
			}
			return pages[page]
		}
	default: // sector by sector
		return func(int64) int { return r.IntN(n + 1) }
	}
}

// reachedWrites keeps each write with so many chances in ten. Where two share a
// sector, the later one brings the earlier one's part along.
func (f *file) reachedWrites(r *rand.Rand, inTen int) func(at int64) int {
	reach := map[int64]int{}
	for i, op := range f.later {
		if op.Kind == Truncated || r.IntN(10) >= inTen {
			continue
		}
		for at := op.Offset / sector; at <= (op.Offset+int64(len(op.Data))-1)/sector; at++ {
			reach[at*sector] = i + 1
		}
	}
	return func(at int64) int { return reach[at] }
}

// after is the file of a size, each sector as it was after so many changes as
// reached says for its offset. fill makes up what a sector held that the file
// had never written; nil leaves zeroes.
func (f *file) after(size int64, reached func(at int64) int, fill func([]byte)) []byte {
	b := make([]byte, (max(size, f.largest())+sector-1)/sector*sector)
	if unwritten := copy(b, f.synced); fill != nil {
		fill(b[unwritten:])
	}
	reach := make([]int, len(b)/sector)
	for i := range reach {
		reach[i] = reached(int64(i) * sector)
	}
	for i, op := range f.later {
		from, until := op.Offset, op.Offset+int64(len(op.Data))
		if op.Kind == Truncated {
			until = int64(len(b))
		}
		for from < until {
			at := from / sector
			end := min(until, (at+1)*sector)
			if i >= reach[at] {
				from = end
				continue
			}
			if op.Kind == Truncated {
				clear(b[from:end])
			} else {
				copy(b[from:end], op.Data[from-op.Offset:])
			}
			from = end
		}
	}
	return b[:size:size]
}

// largest is the largest size that the file had.
func (f *file) largest() int64 {
	size := int64(len(f.synced))
	largest := size
	for _, op := range f.later {
		size = sizeAfter(size, op)
		largest = max(largest, size)
	}
	return largest
}
