package table

import (
	"math/bits"

	"dlm/codec"
)

// EdgeWalk is how far a walk over the requests of a shard has come.
type EdgeWalk struct {
	at         uint32      // the next waiter record
	generation uint32      // of it, if the walk is among the holders that it waits for
	after      codec.Token // the walk goes on after the holder with it; 0: from the first on
	outside    int         // edges of the request that are not Inside

	Room    int  // further edges that are not Inside; 0: none are wanted
	Holders int  // further holders of groups that the walk looks at
	Detects int  // requests with DETECT, also those without an edge
	Left    bool // edges that are not Inside were left out
	Cut     bool // not all holders of groups were seen: they were too many, or moved
}

// outsidePerRequest is how many edges one request has at most that are in no cycle.
const outsidePerRequest = 1000

// forward moves the walk to the next request.
func (walk *EdgeWalk) forward() { walk.at, walk.after, walk.outside = walk.at+1, 0, 0 }

// requestAt returns the request at which the walk is. If there is none it moves the walk on, and
// returns none.
func (s *Shard) requestAt(walk *EdgeWalk) uint32 {
	b := &s.waiters
	live := ^b.freeOf[walk.at>>slabChunkBits].free >> (walk.at & slabChunkMask)
	here := live&1 != 0
	if walk.after != 0 && (!here || b.at(walk.at).generation != walk.generation) {
		walk.Cut, walk.after, walk.outside = true, 0, 0 // it is gone, and some holders unseen
	}
	switch {
	case here:
		return walk.at
	case live == 0:
		walk.at = walk.at&^slabChunkMask + slabChunkLen
	default:
		walk.at += uint32(bits.TrailingZeros64(live))
	}
	return none
}

// nextHolder returns the next holder of the group for which the request at the walk waits, or nil
// after the last one.
func (s *Shard) nextHolder(walk *EdgeWalk, w *waiter) *holder {
	at, _ := s.locks.at(w.lock).list()
	if walk.after != 0 {
		_, last := s.findToken(walk.after)
		if last == nil || last.lock != w.lock {
			walk.Cut = true
			return nil
		}
		at = last.next
	}
	if at == none {
		return nil
	}
	if walk.Holders == 0 {
		walk.Cut = true
		return nil
	}
	walk.Holders--
	h := s.holderAt(at)
	walk.after, walk.generation = h.token, w.generation
	return h
}

// add appends an edge if it is wanted.
func (walk *EdgeWalk) add(e Edge, out []Edge) []Edge {
	switch {
	case e.Inside:
	case walk.full():
		walk.Left = true
		return out
	default:
		walk.Room--
		walk.outside++
	}
	return append(out, e)
}

// full reports whether no edge of the request is wanted that is not Inside.
func (walk *EdgeWalk) full() bool { return walk.Room <= 0 || walk.outside >= outsidePerRequest }

// Edges appends edges of the shard, and moves the walk on. It returns when it has looked at scan
// requests and holders, or has come to the end, and then true. Edges that are not Inside are left
// out when they are more than the walk has room for.
//
// A request has one edge for an exclusive hold, and one for each holder of a shared lock, because
// all of them have to leave. For a semaphore see Edge.Others. It has no edge for its own service,
// none for requests before it, and none for a hold that may end with a recovery.
func (s *Shard) Edges(now int64, walk *EdgeWalk, scan int, sieve *EdgeSieve, out []Edge) (_ []Edge, done bool) {
	s.setTime(now)
	for looked := 0; looked < scan && walk.at < s.waiters.len(); looked++ {
		i := s.requestAt(walk)
		if i == none {
			continue
		}
		w := s.waiters.at(i)
		if w.detect && walk.after == 0 {
			walk.Detects++
		}
		var whole bool
		if out, whole = s.edgesOf(i, w, walk, &looked, scan, sieve, out); !whole {
			return out, false
		}
		walk.forward()
	}
	return out, walk.at >= s.waiters.len()
}

// edgesOf appends the edges of request i. It returns false if holders are left for the next call.
func (s *Shard) edgesOf(
	i uint32, w *waiter, walk *EdgeWalk, looked *int, scan int, sieve *EdgeSieve, out []Edge,
) (_ []Edge, whole bool) {
	if w.detached || w.deadline <= s.waitNow() {
		return out, true
	}
	service := s.waiterService(w)
	e := Edge{Waiter: sieve.hash(service), Wait: WaiterRef{s.number, i, w.generation}, Detect: w.detect, Began: w.began(s.now)}
	held := sieve.held.has(e.Waiter)
	if !held && walk.Room <= 0 {
		walk.Left = true
		return out, true
	}
	to := func(h *hold, st recoveryState, holder []byte) {
		if s.lasts(h, st) && string(holder) != string(service) {
			e.Holder, e.Token = sieve.hash(holder), h.token
			e.Inside = held && sieve.waits.has(e.Holder)
			out = walk.add(e, out)
		}
	}
	l := s.locks.at(w.lock)
	if !l.grouped() {
		to(&l.hold, l.state, s.service(l))
		return out, true
	}
	only, others, waits := s.waitsForGroup(l, w)
	switch e.Others = others; {
	case !waits:
	case only != nil:
		to(&only.hold, only.state, s.holderService(only))
	default:
		for h := s.nextHolder(walk, w); h != nil; h = s.nextHolder(walk, w) {
			if !held && walk.full() {
				walk.Left = true
				break
			}
			to(&h.hold, h.state, s.holderService(h))
			if *looked++; *looked >= scan {
				return out, false
			}
		}
	}
	return out, true
}
