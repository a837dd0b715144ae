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
}

// WaitsFor is an Edge with its words. The slices are copies.
type WaitsFor struct {
	Service, Lock, Holder []byte
	Token                 codec.Token
	WaitedMs              int64
}

// Edges appends the edges of the shard up to most in all, from waiter record *at on, and moves *at
// on. It returns when it has added scan of them or has come to the end, and then true. A request
// has one edge for an exclusive hold, and one for each holder of a shared lock, because all of them
// have to leave. It has none for a semaphore, where one holder that leaves is enough, and none for
// its own service.
func (s *Shard) Edges(
	now int64, at *uint32, scan, most int, hash func([]byte) uint64, out []Edge,
) (_ []Edge, done bool) {
	s.setTime(now)
	b, enough := &s.waiters, len(out)+scan
	for ; *at < b.len() && len(out) < min(most, enough); *at = *at&^slabChunkMask + slabChunkLen {
		chunk := *at >> slabChunkBits
		for live := ^b.freeOf[chunk].free; live != 0; live &= live - 1 {
			i := uint32(bits.TrailingZeros64(live))
			out = s.edgesOf(chunk<<slabChunkBits|i, &b.chunks[chunk][i], most, hash, out)
		}
	}
	return out, *at >= b.len()
}

func (s *Shard) edgesOf(i uint32, w *waiter, most int, hash func([]byte) uint64, out []Edge) []Edge {
	l, service := s.locks.at(w.lock), s.waiterService(w)
	if w.deadline <= s.waitNow() || !l.state.held() {
		return out
	}
	e := Edge{Waiter: hash(service), Wait: WaiterRef{s.number, i, w.generation}}
	switch {
	case !l.grouped():
		if l.deadline > s.leaseNow() && string(s.service(l)) != string(service) {
			e.Holder, e.Token = hash(s.service(l)), l.token
			out = append(out, e)
		}
	case l.share() == shared:
		for at, _ := l.list(); at != none && len(out) < most; at = s.holderAt(at).next {
			h := s.holderAt(at)
			if h.state.held() && h.deadline > s.leaseNow() && string(s.holderService(h)) != string(service) {
				e.Holder, e.Token = hash(s.holderService(h)), h.token
				out = append(out, e)
			}
		}
	}
	return out
}

// Stands returns the words of an edge, if the same request still waits for the same hold. It has
// done so in between too, because no wait has the reference of another, and no hold its token.
func (s *Shard) Stands(now int64, e *Edge) (x WaitsFor, ok bool) {
	s.setTime(now)
	w := s.waiters.find(e.Wait)
	if w == nil || w.deadline <= s.waitNow() {
		return x, false
	}
	l := s.locks.at(w.lock)
	h, holder := &l.hold, []byte(nil)
	switch {
	case !l.state.held():
		return x, false
	case l.grouped():
		_, of := s.findToken(e.Token)
		if of == nil || of.lock != w.lock || l.share() != shared || !of.state.held() {
			return x, false
		}
		h, holder = &of.hold, s.holderService(of)
	default:
		holder = s.service(l)
	}
	if h.token != e.Token || h.deadline <= s.leaseNow() {
		return x, false
	}
	return WaitsFor{bytes.Clone(s.waiterService(w)), bytes.Clone(s.name(l)), bytes.Clone(holder), h.token, int64(w.waitedMs(s.now))}, true
}
