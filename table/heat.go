package table

import (
	"bytes"
	"slices"
)

const (
	heatEntries = 16             // locks per shard
	heatChains  = 64             // some more, so that most chains have one entry
	heatHalf    = 60_000_000_000 // ns after which a weight counts half
)

// heat finds the locks of a shard that have cost the most waiting lately, also if each wait was
// short. It is the sketch Frequent: the wait of a lock without an entry is taken off all entries
// and off itself, until it is used up, or an entry is and becomes that of the lock. So a weight is
// too small by 1/17 of the shard's sum at most, and no lock with more than that is missed. All
// weights are halved each minute.
//
// To take the same off all entries, floor rises: the weight of an entry is its sum minus floor.
//
// (Misra, Gries: Finding repeated elements, 1982)
type heat struct {
	heads  [heatChains]uint8   // the first entry of each chain, plus one; 0: none
	after  [heatEntries]uint8  // the next entry of the same chain, plus one
	chain  [heatEntries]uint8  // of the entry
	sums   [heatEntries]int64  // ns; none is below floor
	names  [heatEntries][]byte // of locks, held or not
	floor  int64               // ns
	least  int64               // ns; no sum is smaller
	next   int                 // where the search for an entry without weight goes on
	halved int64               // table time of the last halving, ns
}

// add adds the length of a wait for that lock.
func (h *heat) add(now int64, tag uint32, name []byte, waited int64) {
	if now-h.halved >= heatHalf {
		h.cool(now)
	}
	if i := h.find(tag, name); i >= 0 {
		h.sums[i] += waited
		return
	}
	for waited > h.least-h.floor {
		for i := h.next; i < heatEntries; i++ {
			if h.sums[i] == h.floor {
				h.put(i, tag, name)
				h.sums[i], h.next = h.floor+waited, i+1
				return
			}
		}
		h.least, h.next = slices.Min(h.sums[:]), 0
		off := min(waited, h.least-h.floor)
		h.floor, waited = h.floor+off, waited-off
	}
	h.floor += waited
}

// find returns the entry of a lock, or -1.
func (h *heat) find(tag uint32, name []byte) int {
	for at := h.heads[tag%heatChains]; at != 0; at = h.after[(at-1)%heatEntries] {
		if i := int(at-1) % heatEntries; string(h.names[i]) == string(name) {
			return i
		}
	}
	return -1
}

// put takes entry i out of its chain, if it is in one, and gives it to a lock.
func (h *heat) put(i int, tag uint32, name []byte) {
	at := &h.heads[h.chain[i]]
	for *at != 0 && int(*at-1) != i {
		at = &h.after[*at-1]
	}
	if *at != 0 {
		*at = h.after[i]
	}
	chain := tag % heatChains
	h.chain[i], h.after[i], h.heads[chain] = uint8(chain), h.heads[chain], uint8(i+1)
	if cap(h.names[i]) < len(name) {
		h.names[i] = make([]byte, len(name))
	}
	h.names[i] = h.names[i][:len(name)]
	copy(h.names[i], name)
}

// cool halves the weights for each minute that has passed.
func (h *heat) cool(now int64) {
	minutes := (now - h.halved) / heatHalf
	if minutes <= 0 {
		return
	}
	h.halved += minutes * heatHalf
	half := min(minutes, 63)
	h.floor, h.least = h.floor>>half, h.least>>half
	for i := range h.sums {
		h.sums[i] >>= half
	}
}

// HeatOf returns the weight of the lock of that name in ns, 0 if the shard does not have it.
func (s *Shard) HeatOf(now int64, hash uint64, name []byte) int64 {
	h := &s.measures().heat
	h.cool(s.setTime(now))
	if i := h.find(uint32(hash), name); i >= 0 {
		return h.sums[i] - h.floor
	}
	return 0
}

// Heat is how much waiting a lock has cost lately.
type Heat struct {
	Name   []byte
	Weight int64 // ns
}

// Heat appends the locks of the shard that have cost the most waiting, with copies of their names.
func (s *Shard) Heat(now int64, out []Heat) []Heat {
	h := &s.measures().heat
	h.cool(s.setTime(now))
	for i, sum := range h.sums {
		if sum > h.floor {
			out = append(out, Heat{bytes.Clone(h.names[i]), sum - h.floor})
		}
	}
	return out
}
