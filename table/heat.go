package table

import "bytes"

const (
	heatEntries = 16             // locks per shard
	heatHalf    = 60_000_000_000 // ns after which a weight counts half
)

// heat finds the locks of a shard that have cost the most waiting lately, also if each wait was
// short. It is the sketch Space-Saving: a lock that has no entry takes the one with the least
// weight, and inherits that weight. So a weight is too large by 1/16 of the shard's sum at most,
// and no lock with more than that is missed. All weights are halved each minute.
//
// (Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements, 2005)
type heat struct {
	entries []heatEntry // at most heatEntries; allocated when the first wait ends
	halved  int64       // table time of the last halving, ns
}

// heatEntry is one lock, held or not.
type heatEntry struct {
	tag    uint32
	weight int64 // waiting that has ended, ns
	name   []byte
}

// add adds the length of a wait for that lock.
func (h *heat) add(now int64, tag uint32, name []byte, waited int64) {
	h.cool(now)
	least := 0
	for i := range h.entries {
		e := &h.entries[i]
		if e.tag == tag && bytes.Equal(e.name, name) {
			e.weight += waited
			return
		}
		if e.weight < h.entries[least].weight {
			least = i
		}
	}
	if len(h.entries) < heatEntries {
		if h.entries == nil {
			h.entries = make([]heatEntry, 0, heatEntries)
		}
		least = len(h.entries)
		h.entries = h.entries[:least+1] // the memory of an earlier name, if there was one
	}
	e := &h.entries[least]
	e.tag, e.weight, e.name = tag, e.weight+waited, append(e.name[:0], name...)
}

// cool halves the weights for each minute that has passed.
func (h *heat) cool(now int64) {
	minutes := (now - h.halved) / heatHalf
	if minutes <= 0 {
		return
	}
	h.halved += minutes * heatHalf
	for i := range h.entries {
		h.entries[i].weight >>= min(minutes, 63)
	}
}

// HeatOf returns the weight of the lock of that name in ns, 0 if the shard does not have it.
func (s *Shard) HeatOf(now int64, hash uint64, name []byte) int64 {
	h := &s.measures().heat
	h.cool(s.setTime(now))
	for i := range h.entries {
		if e := &h.entries[i]; e.tag == uint32(hash) && bytes.Equal(e.name, name) {
			return e.weight
		}
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
	for i := range h.entries {
		if e := &h.entries[i]; e.weight > 0 {
			out = append(out, Heat{bytes.Clone(e.name), e.weight})
		}
	}
	return out
}
