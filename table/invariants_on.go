//go:build invariants

package table

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// counted counts, over all tables, the hashes of names and the locks of shards.
var counted struct{ hashes, locks atomic.Uint64 }

// Counted returns how many names were hashed and how many times a shard was locked.
func Counted() (hashes, locks uint64) { return counted.hashes.Load(), counted.locks.Load() }

func noteHash() { counted.hashes.Add(1) }

func noteLock() { counted.locks.Add(1) }

// checks is the state of verify.
type checks struct {
	calls uint64 // of verify
}

const checkWords = 1 // size of checks

// verify checks that the records, lists and wheels of the shard agree. Its cost grows with the
// shard, so a large shard is checked once in as many calls as it has records.
func (s *Shard) verify() {
	s.checks.calls++
	size := s.locks.live() + s.waiters.live + s.requests.live
	if s.groups != nil {
		size += s.groups.holders.live
	}
	if size > 64 && s.checks.calls%uint64(size/16) != 0 {
		return
	}
	s.Verify()
}

// Verify panics if an invariant of the shard does not hold.
func (s *Shard) Verify() {
	bug := func(ok bool, format string, args ...any) {
		if !ok {
			panic("BUG: shard invariant: " + fmt.Sprintf(format, args...))
		}
	}
	armed := func(i uint32, l *lock) bool { // the record has its entry in the wheel
		if !s.leases.Has(i) {
			return l.armed == 0
		}
		return l.armed == uint32(s.leases.Tick(i))+1
	}
	live, unheld, left, queued, blocks, contended, listed, detached := 0, 0, 0, 0, 0, 0, 0, 0
	inArena := func(is bool) {
		if is {
			blocks++
		}
	}
	for i := range s.locks.len() {
		l := s.locks.record(i)
		if l == nil {
			bug(!s.leases.Has(i), "record %d has no memory and a lease entry", i)
			continue
		}
		bug(armed(i, l), "record %d has an entry that it does not know of, or none", i)
		if l.nameLen == 0 {
			if s.leases.Has(i) {
				left++ // left by an earlier lock of the record
			}
			continue
		}
		live++
		held := l.state.held()
		if !held {
			unheld++
		}
		if l.grouped() {
			blocks += s.verifyGroup(i, l, bug)
			listed += s.listed(l)
		}
		bug(held == (l.count >= 1 && l.count <= countMax), "lock %q has count %d", s.name(l), l.count)
		bug(l.token <= s.counter && (l.token > 0 || !held || l.grouped()), "lock %q has token %d", s.name(l), l.token)
		bug(l.token > 0 || l.first != none || l.grouped(), "lock %q has a record for nothing", s.name(l))
		bug((l.state == stateFenced || l.state == stateVacant) == (l.serviceLen == 0) || l.grouped(), "lock %q has an owner or none", s.name(l))
		bug(s.phase != graceOver || l.state == stateSettled || l.state == stateVacant, "lock %q is not settled", s.name(l))
		bug(l.state != stateVacant || l.first != none && s.attachedFrom(l.first) == none, "lock %q is vacant, and a request waits for it or none", s.name(l))
		bug(l.nameLen > inlineNameMax || strings.Trim(string(l.text[l.nameLen:l.serviceAt()]), "\x00") == "", "something is behind the name %q", s.name(l))
		bug(s.indexOf(l.tag, s.name(l)) == i, "lock %q is not found", s.name(l))
		bug(!held || l.grouped() || s.leases.Has(i) && s.leases.Tick(i) <= tickOf(l.deadline), "lock %q has no lease entry in time", s.name(l))
		bug(!held || l.grouped() || s.table.due[s.number].Load() <= s.leases.Tick(i), "lease of %q is not published", s.name(l))
		inArena(l.nameLen > inlineNameMax)
		inArena(l.serviceAt()+int(l.serviceLen) > textLen)
		inArena(l.meta != 0)
		n, prev := uint32(0), none
		for w := l.first; w != none; w = s.waiters.at(w).next {
			x := s.waiters.at(w)
			bug(x.serviceLen > 0 && x.lock == i && x.prev == prev, "queue of %q is broken at waiter %d", s.name(l), w)
			bug(s.waits.Has(w) && s.waits.Tick(w) <= tickOf(x.deadline), "waiter %d has no deadline entry in time", w)
			bug(s.table.due[s.number].Load() <= s.waits.Tick(w), "deadline of waiter %d is not published", w)
			if prev != none {
				bug(s.waiters.at(prev).number < x.number, "waiter %d is not in the order of the queue", w)
			}
			detached += s.verifyDetached(w, bug)
			inArena(x.serviceLen > waiterTextLen)
			inArena(x.meta != 0)
			prev = w
			n++
		}
		bug(n == l.waiters && l.last == prev, "queue of %q has %d waiters, not %d", s.name(l), n, l.waiters)
		if queued += int(n); n > 0 {
			contended++
		}
	}
	bug(unheld == int(s.grace.unheld) && live == s.locks.live() && live == s.index.Len() && s.leases.Len() <= live+left, "%d locks, %d live, %d in the index, %d leases",
		live, s.locks.live(), s.index.Len(), s.leases.Len()-left)
	bug(contended == s.measures().Contended, "%d contended locks, not %d", contended, s.measures().Contended)
	if s.groups != nil {
		live := s.groups.holders.live
		bug(listed == live && live == s.groups.owners.Len() && live == s.groups.tokens.Len(), "%d holders, %d live, %d by owner, %d by token",
			listed, live, s.groups.owners.Len(), s.groups.tokens.Len())
	}
	s.verifyFree(bug)
	bug(queued == s.waiters.live && queued == s.waits.Len(), "%d waiters, %d live, %d deadlines", queued, s.waiters.live, s.waits.Len())
	bug(detached == s.detached, "%d waiters are detached, not %d", detached, s.detached)
	blocks += s.verifyRequests(bug)
	bug(blocks == s.arena.blocks, "%d strings in the arena, %d blocks used", blocks, s.arena.blocks)
}

// listed returns the length of the list of holders.
func (s *Shard) listed(l *lock) (n int) {
	for at, _ := l.list(); at != none; at = s.holderAt(at).next {
		n++
	}
	return n
}

// verifyGroup checks the holders of a lock, and returns how many strings of theirs are in the
// arena.
func (s *Shard) verifyGroup(i uint32, l *lock, bug func(ok bool, format string, args ...any)) (blocks int) {
	count, taken, prev := uint32(0), int64(0), none
	head, tail := l.list()
	for at := head; at != none; at = s.holderAt(at).next {
		h, held := s.holderAt(at), s.holderAt(at).state.held()
		bug(h.lock == i && h.prev == prev && s.groups.holders.inUse(at) == h, "holders of %q are broken at %d", s.name(l), at)
		bug(held == (h.count > 0), "a holder of %q has count %d", s.name(l), h.count)
		bug(held == s.groups.leases.Has(at), "a holder of %q has a lease, or none", s.name(l))
		bug(!held || s.groups.leases.Tick(at) <= tickOf(h.deadline) && s.table.due[s.number].Load() <= s.groups.leases.Tick(at),
			"the lease of a holder of %q is late", s.name(l))
		bug(h.token > 0 && h.token <= s.counter, "a holder of %q has token %d", s.name(l), h.token)
		bug(s.phase != graceOver || h.state == stateSettled, "a holder of %q is not settled", s.name(l))
		by, _ := s.findHolder(i, l, s.holderService(h))
		with, _ := s.findToken(h.token)
		bug(by == at && with == at, "a holder of %q is not found", s.name(l))
		if held {
			count++
			taken += int64(h.count)
		}
		if h.serviceLen > holderTextLen {
			blocks++
		}
		if h.meta != 0 {
			blocks++
		}
		prev = at
	}
	bug(tail == prev && (head != none || l.state == stateFenced), "the list of %q has no end", s.name(l))
	bug(count == l.count && taken == l.taken(), "%q has %d holders with %d counts, not %d and %d", s.name(l), count, taken, l.count, l.taken())
	// After a recovery a permit may be taken twice: by a holder of the image that had released it,
	// and by its successor, which has shown its token. The first ends with its lease.
	bug(s.grace.until != 0 || l.share() == shared || taken <= int64(l.share()), "%q has %d permits of %d taken", s.name(l), taken, l.share())
	if first := s.attachedFrom(l.first); first != none && s.phase == graceOver {
		w := s.waiters.at(first)
		bug(w.share != l.share() || !l.hasRoom() || w.fresh || w.deadline <= s.waitNow(), "the first waiter of %q is not granted", s.name(l))
	}
	return blocks
}

// verifyFree checks that each record with memory is in use or in one list of free records.
func (s *Shard) verifyFree(bug func(ok bool, format string, args ...any)) {
	seen := map[uint32]bool{}
	walk := func(i uint32) (n int) {
		for ; i != none; i = s.locks.at(i).first {
			bug(!seen[i] && s.locks.at(i).nameLen == 0, "record %d is free twice, or in use", i)
			seen[i] = true
			n++
		}
		return n
	}
	walk(s.locks.free)
	if s.sort.active() {
		walk(s.sort.rest)
		for i := range s.sort.chunks[:s.sort.next] {
			if c := s.sort.chunks[i]; c.n > 0 {
				bug(walk(c.first) == int(c.n), "chunk %d has not %d sifted records", i, c.n)
			}
		}
	}
	bug(len(seen)+s.locks.live() == s.sort.mapped(&s.locks)*lockChunkLen, "%d free records, %d in use, %d chunks with memory",
		len(seen), s.locks.live(), s.sort.mapped(&s.locks))
}
