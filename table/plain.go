package table

import "dlm/codec"

// Plain is plain commands that are executed together, and what comes of them. It is reused.
type Plain struct {
	Cmds    codec.Burst
	Results [codec.BurstMax]codec.Held // of those that were answered OK
	hashes  [codec.BurstMax]uint64
	in      []byte // what they were decoded from
	from    ConnID
	by      connMark // of it

	// Of the last run.
	granted  uint
	released int
	renewed  int
	grants   [codec.BurstMax]HoldRef
}

// Hash returns Table.Hash of the name of command i, after Prepare.
func (b *Plain) Hash(i int) uint64 { return b.hashes[i] }

// Counts returns how many ACQUIREs, RELEASEs and HEARTBEATs the last run has executed.
func (b *Plain) Counts() (granted, released, renewed int) {
	return int(b.granted), b.released, b.renewed
}

// Grants returns the holds that the last run has given, in their order. They are valid until the next one.
func (b *Plain) Grants() []HoldRef { return b.grants[:b.granted] }

// Prepare comes before RunPlain, for the first n commands, which were decoded from in and came
// from a connection. The memory that they will read is fetched for all of them at once.
//
// It is not inlined, nor are the functions below that say so: their callers have more to keep than there are registers
// for, and would spend a tenth of the instructions on moving it.
//
//go:noinline
func (t *Table) Prepare(b *Plain, in []byte, n int, from ConnID) {
	for i := range b.hashes[:n] {
		b.hashes[i] = t.hashPlain(&b.Cmds[i], in)
	}
	b.in, b.from, b.by = in, from, markOf(from)
	if n > 1 {
		t.Prefetch(b.hashes[:n])
	}
}

func (t *Table) hashPlain(p *codec.Plain, in []byte) uint64 {
	if p.Short {
		return t.Hash(p.Text[:p.NameLen()])
	}
	return t.Hash(p.Name(in))
}

// RunPlain executes the commands from i to n at table time now, one after the other, and
// returns the first that it did not: one which is not of the common course, and for which
// Apply is to be asked. The common course is to take a lock that nobody holds, to end a hold that
// nobody waits for, and to renew one. It comes to the same as Apply, without asking for all
// that could be.
//
// A shard stays locked from one command to the next if it is the same.
//
//go:noinline
func (t *Table) RunPlain(now int64, b *Plain, i, n int) int {
	var s *Shard
	b.granted, b.released, b.renewed = 0, 0, 0
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
	hash := t.hashPlain(&b.Cmds[0], in)
	b.in, b.from, b.by, b.hashes[0] = in, from, markOf(from), hash
	b.granted, b.released, b.renewed = 0, 0, 0
	s := t.Shard(hash)
	s.Lock()
	s.setTime(now)
	ok := s.runPlain(b, 0)
	s.Unlock()
	return ok
}

// runPlain executes a command of the common course. If it is none, nothing has changed. What it finds in
// the index under the same tag is nearly always the lock; else that is left to Apply, too.
func (s *Shard) runPlain(b *Plain, at int) bool {
	p, tag := &b.Cmds[at], uint32(b.hashes[at])
	slot, rec := s.index.Find(tag, tag)
	switch {
	case s.phase != graceOver || (rec == 0) != (p.Verb == codec.VerbAcquire):
		return false
	case rec == 0:
		return s.grantPlain(b, p, &b.Results[at], slot, tag)
	}
	return s.ownPlain(b, p, &b.Results[at], slot, rec-1)
}

// grantPlain takes a lock that nobody holds, and whose record is to be in that slot.
//
//go:noinline
func (s *Shard) grantPlain(b *Plain, p *codec.Plain, r *codec.Held, slot, tag uint32) bool {
	if !s.mayGrant() {
		return false
	}
	if s.locks.full() || s.index.Full() {
		s.growFor()
		slot, _ = s.index.Find(tag, tag)
	}
	i, l := s.takeLock(tag)
	s.index.AddAt(slot, tag, i)
	l.by = b.by
	if p.Short {
		l.setText(p)
	} else {
		s.setName(l, p.Name(b.in))
		s.setService(l, p.Service(b.in))
	}
	s.beginHold(l, 0)
	s.armLease(i, l)
	s.emitPlain(EventGrant, l, Origin{Conn: b.from})
	r.Token, r.Count, r.LeaseMs = l.token, 1, int64(l.ttlMs)
	b.grants[b.granted%codec.BurstMax] = HoldRef{l.token, i, s.number}
	b.granted++
	s.verify()
	return true
}

// ownPlain releases or renews the hold of lock i, which is in that slot, if p names it and its holder.
//
//go:noinline
func (s *Shard) ownPlain(b *Plain, p *codec.Plain, r *codec.Held, slot, i uint32) bool {
	l := s.locks.at(i)
	if l.deadline <= s.now || !s.heldBy(l, p, b.in) {
		return false
	}
	if p.Verb == codec.VerbHeartbeat {
		s.renew(l, 0)
		s.counts.Renewals++
		s.emitPlain(EventRenew, l, Origin{})
		r.Token, r.Count, r.LeaseMs = l.token, l.count, s.leaseLeftMs(l)
		b.renewed++
		s.verify()
		return true
	}
	if l.count != 1 || l.first != none {
		return false
	}
	r.Token, r.Count, r.LeaseMs = l.token, 0, 0
	l.count = 0
	s.counts.Releases++
	s.emitPlain(EventRelease, l, Origin{})
	s.dropService(l)
	s.index.RemoveAt(slot)
	s.freeLock(i, l)
	b.released++
	s.verify()
	return true
}

// emitPlain is emit for what the holder does.
func (s *Shard) emitPlain(kind EventKind, l *lock, from Origin) {
	if s.table.config.Tap != nil {
		s.tap(Event{Kind: kind, Service: s.service(l), From: from}, l)
	}
}
