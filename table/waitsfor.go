package table

import (
	"bytes"
	"math/bits"

	"dlm/codec"
)

// Edge says that a request waits for a hold to end. The services are hashes, so that a walk of many
// requests copies no strings.
type Edge struct {
	Waiter, Holder uint64 // hashes of the services
	Wait           WaiterRef
	Token          codec.Token // of the hold
	// Others is 0 if the request waits as long as this hold stands. A request for a permit has an
	// edge for each of so many holders other than its own service, and goes on when one of them
	// leaves.
	Others uint32
	Detect bool  // the request came with DETECT
	Began  int64 // when it came, table time in ns
}

// WaitsFor is an Edge with its words. The slices are copies.
type WaitsFor struct {
	Service, Lock, Holder []byte
	Token                 codec.Token
	WaitedMs              int64
	// Newest is the last token of the shard. If it is the same at two times, no lock of the shard
	// has got a new holder in between.
	Newest codec.Token
}

// EdgeWalk is how far a walk over the requests of a shard has come.
type EdgeWalk struct {
	at      uint32 // the next waiter record
	Detects int    // requests with DETECT, also those without an edge
	Cut     bool   // a lock has more than edgesPerRequest holders
}

// edgesPerRequest is how many edges one request has at most, because they are added under one hold
// of the mutex.
const edgesPerRequest = 1000

// Edges appends the edges of the shard up to most in all, and moves the walk on. It returns when it
// has looked at scan records or added scan edges, or has come to the end, and then true.
//
// A request has one edge for an exclusive hold, and one for each holder of a shared lock, because
// all of them have to leave. For a semaphore see Edge.Others. It has no edge for its own service,
// none for requests before it, and none for a hold that may end with a recovery.
func (s *Shard) Edges(
	now int64, walk *EdgeWalk, scan, most int, hash func([]byte) uint64, out []Edge,
) (_ []Edge, done bool) {
	s.setTime(now)
	b, enough, at := &s.waiters, len(out)+scan, &walk.at
	for looked := 0; *at < b.len() && looked < scan && len(out) < min(most, enough); looked++ {
		chunk, from := *at>>slabChunkBits, *at&slabChunkMask
		live := ^b.freeOf[chunk].free >> from << from
		if live == 0 {
			*at = *at&^slabChunkMask + slabChunkLen
			continue
		}
		i := *at&^slabChunkMask | uint32(bits.TrailingZeros64(live))
		*at = i + 1
		w := b.at(i)
		if w.detect {
			walk.Detects++
		}
		out = s.edgesOf(i, w, walk, most, hash, out)
	}
	return out, *at >= b.len()
}

func (s *Shard) edgesOf(i uint32, w *waiter, walk *EdgeWalk, most int, hash func([]byte) uint64, out []Edge) []Edge {
	if w.detached || w.deadline <= s.waitNow() {
		return out
	}
	l, service := s.locks.at(w.lock), s.waiterService(w)
	e := Edge{Waiter: hash(service), Wait: WaiterRef{s.number, i, w.generation}, Detect: w.detect, Began: w.began(s.now)}
	to := func(h *hold, st recoveryState, holder []byte) {
		if s.lasts(h, st) && string(holder) != string(service) {
			e.Holder, e.Token = hash(holder), h.token
			out = append(out, e)
		}
	}
	if !l.grouped() {
		to(&l.hold, l.state, s.service(l))
		return out
	}
	only, others, waits := s.waitsForGroup(l, w)
	switch e.Others = others; {
	case !waits:
	case only != nil:
		to(&only.hold, only.state, s.holderService(only))
	default:
		if l.count > edgesPerRequest {
			walk.Cut = true
			most = min(most, len(out)+edgesPerRequest) // too few for a semaphore: see Edge.Others
		}
		for at, _ := l.list(); at != none && len(out) < most; {
			h := s.holderAt(at)
			to(&h.hold, h.state, s.holderService(h))
			at = h.next
		}
	}
	return out
}

// lasts reports whether a hold ends only by its holder, its lease or an admin, and not with a
// recovery.
func (s *Shard) lasts(h *hold, st recoveryState) bool {
	return (st == stateSettled || st == stateConfirmed) && h.deadline > s.leaseNow()
}

// waitsForGroup returns for which holders of lock l the request w waits: for one only, for one of
// so many others, or, if others is 0, for all of them. waits is false if it goes on without them,
// or first of all waits for its own service.
func (s *Shard) waitsForGroup(l *lock, w *waiter) (only *holder, others uint32, waits bool) {
	first := s.waiters.at(s.attachedFrom(l.first))
	own := s.ownHold(l, w)
	if first.deadline <= s.waitNow() || own != nil && (w.fresh || w.share == exclusive) {
		return nil, 0, false // the queue is about to move, or the service has to leave
	}
	if first.fresh && first.share == l.share() && w.share == l.share() {
		if only = s.ownHold(l, first); only != nil {
			return only, 0, true // first would share the lock but with its own service: see admit
		}
	}
	if l.share() == shared {
		return nil, 0, w.share != shared || first.share != shared
	}
	if others = l.count; own != nil {
		others--
	}
	return nil, others, others > 0 && !l.hasRoom()
}

// ownHold returns the hold that the service of request w has in the group of lock l, or nil.
func (s *Shard) ownHold(l *lock, w *waiter) *holder {
	if _, h := s.findHolder(w.lock, l, s.waiterService(w)); h != nil && h.state.held() {
		return h
	}
	return nil
}

// Stands returns the words of an edge, if the same request still waits for the same hold. It has
// done so in between too, because no wait has the reference of another, and no hold its token. A
// semaphore may have had other holders in between: see WaitsFor.Newest.
func (s *Shard) Stands(now int64, e *Edge) (x WaitsFor, ok bool) {
	s.setTime(now)
	w := s.waiters.find(e.Wait)
	if w == nil || w.detached || w.deadline <= s.waitNow() {
		return x, false
	}
	l, others := s.locks.at(w.lock), uint32(0)
	h, st, holder := &l.hold, l.state, []byte(nil)
	if l.grouped() {
		only, n, waits := s.waitsForGroup(l, w)
		_, of := s.findToken(e.Token)
		if !waits || of == nil || of.lock != w.lock || only != nil && only != of {
			return x, false
		}
		h, st, holder, others = &of.hold, of.state, s.holderService(of), n
	} else {
		holder = s.service(l)
	}
	if h.token != e.Token || others != e.Others || !s.lasts(h, st) {
		return x, false
	}
	return WaitsFor{bytes.Clone(s.waiterService(w)), bytes.Clone(s.name(l)), bytes.Clone(holder), h.token,
		w.waited(s.now) / nsPerMs, s.counter}, true
}
