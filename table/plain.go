package table

import "dlm/codec"

// Plain is plain commands that are executed together, and what comes of them. It is reused.
type Plain struct {
	Cmds    codec.Burst
	Results [codec.BurstMax]PlainResult
	hashes  [codec.BurstMax]uint64
	in      []byte // what they were decoded from
	from    ConnID
}

// PlainResult is what came of a command that was answered OK.
type PlainResult struct {
	Hold    HoldRef // its token is set for all, the rest for ACQUIRE
	Count   uint32  // acquires less releases, 0 after the last release
	LeaseMs int64   // what is left of the lease, 0 after the last release
}

// Hash returns Table.Hash of the name of command i, after Prepare.
func (b *Plain) Hash(i int) uint64 { return b.hashes[i] }

// Prepare comes before RunPlain, for the first n commands, which were decoded from in and came
// from a connection. The memory that they will read is fetched for all of them at once.
func (t *Table) Prepare(b *Plain, in []byte, n int, from ConnID) {
	for i := range b.hashes[:n] {
		b.hashes[i] = t.Hash(b.Cmds[i].Name(in))
	}
	b.in, b.from = in, from
	if n > 1 {
		t.Prefetch(b.hashes[:n])
	}
}

// RunPlain executes the commands from i to n at table time now, one after the other, and
// returns the first that it did not: one which is not of the common course, and for which
// Apply is to be asked. The common course is to take a lock that nobody holds, to end a hold that
// nobody waits for, and to renew one. It comes to the same as Apply, without asking for all
// that could be.
//
// A shard stays locked from one command to the next if it is the same.
func (t *Table) RunPlain(now int64, b *Plain, i, n int) int {
	var s *Shard
	for ; i < n; i++ {
		if next := t.Shard(b.hashes[i]); next != s {
			if s != nil {
				s.Unlock()
			}
			s = next
			s.Lock()
			s.setTime(now)
		}
		if !s.runPlain(b, i) {
			break
		}
	}
	if s != nil {
		s.Unlock()
	}
	return i
}

// RunSingle is Prepare and RunPlain for the first command alone, and tells whether it was executed.
func (t *Table) RunSingle(now int64, b *Plain, in []byte, from ConnID) bool {
	hash := t.Hash(b.Cmds[0].Name(in))
	b.hashes[0], b.in, b.from = hash, in, from
	s := t.Shard(hash)
	s.Lock()
	s.setTime(now)
	ok := s.runPlain(b, 0)
	s.Unlock()
	return ok
}

// runPlain executes a command of the common course. If it is none, nothing has changed.
func (s *Shard) runPlain(b *Plain, at int) bool {
	p, r := &b.Cmds[at], &b.Results[at]
	tag, name, service := uint32(b.hashes[at]), p.Name(b.in), p.Service(b.in)
	i, l := s.lookUp(tag, name)
	switch {
	case s.phase != graceOver:
		return false
	case p.Verb == codec.VerbAcquire:
		if l != nil || !s.mayGrant() {
			return false
		}
		i, l = s.create(tag, name)
		s.grant(i, l, service, 0, nil)
		s.emit(EventGrant, l, service, Origin{Conn: b.from})
		r.Hold, r.Count, r.LeaseMs = HoldRef{l.token, i, s.number}, 1, int64(l.ttlMs)
	case l == nil || l.deadline <= s.now || !sameText(s.service(l), service):
		return false
	case p.Verb == codec.VerbRelease:
		if l.count != 1 || l.first != none {
			return false
		}
		r.Hold.Token, r.Count, r.LeaseMs = l.token, 0, 0
		l.count = 0
		s.counts.Releases++
		s.emit(EventRelease, l, service, Origin{})
		s.dropService(l)
		s.forget(i, l)
	default:
		s.renew(l, 0)
		s.counts.Renewals++
		s.emit(EventRenew, l, service, Origin{})
		r.Hold.Token, r.Count, r.LeaseMs = l.token, l.count, s.leaseLeftMs(l)
	}
	s.verify()
	return true
}
