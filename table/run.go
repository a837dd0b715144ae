package table

import (
	"math/bits"

	"dlm/codec"
)

// Batch is lock commands that Run executes together, and their results. It is reused.
type Batch struct {
	codec.Batch
	// Ticket is the Origin.Ticket of the next command with a tag that waits. The caller sets it
	// before Run.
	Ticket  uint32
	Results [codec.BatchMax]codec.GrantReply // of the commands that were answered OK
	hashes  [codec.BatchMax]uint64
	in      []byte // the input of the batch
	from    ConnID
	by      connMark      // of from
	cmd     codec.Command // the present command, for the general rules

	// Counts of the last Run.
	granted   uint
	reentered int
	released  int
	renewed   int
	moved     uint16 // bit i: command i was an UPGRADE or DOWNGRADE
	upgraded  uint16 // bit i: command i was an UPGRADE that gave a new token
	again     uint16 // bit i: command i was an ACQUIRE that gave none: a re-entry, or a repeat
	grants    [codec.BatchMax]HoldRef
}

// Source returns the bytes that the words of command i point into.
func (b *Batch) Source(i int) []byte { return b.Batch.Source(&b.Cmds[i], b.in) }

// Input returns the input of the batch.
func (b *Batch) Input() []byte { return b.in }

// Hash returns Table.Hash of the name of command i, after Prepare.
func (b *Batch) Hash(i int) uint64 { return b.hashes[i] }

// Counts returns how many ACQUIREs, RELEASEs and HEARTBEATs the last Run has answered OK.
func (b *Batch) Counts() (acquired, released, renewed int) {
	return int(b.granted) - bits.OnesCount16(b.upgraded) + b.reentered, b.released, b.renewed
}

// Moved returns which commands the last Run has answered OK that were an UPGRADE or DOWNGRADE: bit
// i is command i.
func (b *Batch) Moved() uint16 { return b.moved }

// NewHold reports whether the last Run has given a new token by command i, which is one of an
// ACQUIRE or UPGRADE.
func (b *Batch) NewHold(i int) bool {
	return b.upgraded&(1<<i) != 0 || b.Cmds[i].Verb == codec.VerbAcquire && b.again&(1<<i) == 0
}

// Grants returns the new holds of the last Run, in their order. They are valid until the next Run.
func (b *Batch) Grants() []HoldRef { return b.grants[:b.granted] }

// Prepare hashes the names of the first n commands and prefetches the memory that they will read.
// The commands were decoded from in and came from that connection. The caller calls it before Run.
//
// It is not inlined, nor are the functions below with the same directive. Their callers have more
// values to keep than there are registers, and would spend a tenth of the instructions on moving
// them.
//
//go:noinline
func (t *Table) Prepare(b *Batch, in []byte, n int, from ConnID) {
	b.in, b.from, b.by = in, from, markOf(from)
	for i := range b.hashes[:n] {
		p := &b.Cmds[i]
		if p.Short() {
			b.hashes[i] = t.Hash(p.Text[:p.NameLen()])
		} else {
			b.hashes[i] = t.Hash(p.Name(b.Source(i)))
		}
	}
	if n > 1 {
		t.Prefetch(b.hashes[:n])
	}
}

// Run executes the commands from i to n at table time now, one after the other, until one is not
// answered OK. It returns the index of that command, or n. That command waits or was refused, and
// its answer is fx.Result(). Run locks shards itself, and keeps a shard locked from one command to
// the next if it is the same. The caller holds none. Waits that end are added to fx.
//
//go:noinline
func (t *Table) Run(now int64, b *Batch, i, n int, fx *Effects) int {
	var s *Shard
	b.granted, b.reentered, b.released, b.renewed = 0, 0, 0, 0
	b.moved, b.upgraded, b.again = 0, 0, 0
	for ; i < n; i++ {
		if next := t.Shard(b.hashes[i]); next != s {
			if s != nil {
				s.Unlock()
			}
			s = next
			s.Lock()
			s.setTime(now)
		}
		if !s.run(b, i, fx) {
			break
		}
	}
	if s != nil {
		s.Unlock()
	}
	return i
}

// optsGeneral are the options that the quick cases do not know.
const optsGeneral = codec.OptMeta | codec.OptShared | codec.OptPermits | codec.OptUpgrade |
	codec.OptCounted | codec.OptReq

// run executes command at of the batch, and reports whether its answer is OK. Most commands take a
// lock that nobody holds, end a hold without waiters, or renew a hold; run checks for these first.
// The first entry of the index under the tag is nearly always that of the name. The general rules
// decide all other cases.
func (s *Shard) run(b *Batch, at int, fx *Effects) bool {
	p, tag := &b.Cmds[at], uint32(b.hashes[at])
	slot, rec := s.index.Find(tag, tag)
	switch {
	case s.phase != graceOver || (rec == 0) != (p.Verb == codec.VerbAcquire) || p.Has(optsGeneral) || p.TTLMs > s.table.ttlMaxMs:
	case rec == 0:
		if s.runFree(b, p, &b.Results[at], slot, tag) {
			return true
		}
	default:
		if s.runOwn(b, p, &b.Results[at], slot, rec-1) {
			return true
		}
	}
	return s.runGeneral(b, at, slot, rec, fx)
}

// runFree takes a lock that nobody holds, and puts its record into that slot. It returns false,
// with nothing changed, if a limit is reached.
//
//go:noinline
func (s *Shard) runFree(b *Batch, p *codec.LockCommand, r *codec.GrantReply, slot, tag uint32) bool {
	if !s.reserveGrant() {
		return false
	}
	check := s.beforeRun(b, p)
	if s.locks.full() || s.index.Full() {
		s.growFor()
		slot, _ = s.index.Find(tag, tag)
	}
	i, l := s.takeLock(tag)
	s.index.AddAt(slot, tag, i)
	l.by = b.by
	if p.Short() {
		l.setText(p)
	} else {
		src := b.Batch.Source(p, b.in)
		s.setName(l, p.Name(src))
		s.putService(l, p.Service(src))
	}
	s.beginHold(&l.hold, &l.grantee, p.TTLMs)
	s.armLease(i, l)
	if s.table.tap.Load() != nil {
		s.tapHold(EventGrant, l, nil, b.origin(p))
	}
	r.Token, r.Count, r.LeaseMs = l.token, 1, int64(l.ttlMs)
	b.grants[b.granted%codec.BatchMax] = HoldRef{Token: l.token, index: i, Shard: s.number}
	b.granted++
	check.after(s, r)
	s.verify()
	return true
}

// runOwn releases or renews the hold of lock i, which is in that slot. It returns false, with
// nothing changed, if p does not name that lock and its holder, or if the command affects more than
// the hold.
//
//go:noinline
func (s *Shard) runOwn(b *Batch, p *codec.LockCommand, r *codec.GrantReply, slot, i uint32) bool {
	l := s.locks.at(i)
	if l.deadline <= s.now || !s.heldBy(l, p, b) || p.Has(codec.OptToken) && p.Token != l.token {
		return false
	}
	if p.Verb == codec.VerbHeartbeat {
		check := s.beforeRun(b, p)
		s.renewFor(&l.hold, p.TTLMs)
		s.emitHold(EventRenew, l, nil, Origin{})
		r.Token, r.Count, r.LeaseMs = l.token, l.count, s.leaseLeftMs(&l.hold)
		b.renewed++
		check.after(s, r)
		s.verify()
		return true
	}
	if l.count != 1 || l.first != none || l.hasRequests() && !p.Has(codec.OptToken) {
		return false
	}
	check := s.beforeRun(b, p)
	if l.hasRequests() {
		s.forgetRequests(l, nil)
	}
	r.Token, r.Count, r.LeaseMs = l.token, 0, 0
	l.count = 0
	s.countRelease(l.since)
	s.emitHold(EventRelease, l, nil, Origin{})
	s.removeService(l)
	s.index.RemoveAt(slot)
	s.freeLock(i, l)
	b.released++
	check.after(s, r)
	s.verify()
	return true
}

// origin returns the Origin of p, in case it waits.
func (b *Batch) origin(p *codec.LockCommand) Origin {
	if p.Tagged() {
		return Origin{Conn: b.from, Ticket: b.Ticket}
	}
	return Origin{Conn: b.from}
}

// runGeneral executes command at by the general rules, and reports whether its answer is OK. slot
// and rec are the first entry of the index under the tag.
//
//go:noinline
func (s *Shard) runGeneral(b *Batch, at int, slot, rec uint32, fx *Effects) bool {
	p := &b.Cmds[at]
	p.Command(b.Source(at), &b.cmd)
	r := s.apply(slot, rec, uint32(b.hashes[at]), &b.cmd, b.origin(p), fx)
	if r.Code != codec.OK || r.Waiting {
		return false
	}
	b.Results[at] = codec.GrantReply{Token: r.Token, Count: r.Count, LeaseMs: r.LeaseMs}
	switch {
	case r.Fresh:
		b.grants[b.granted%codec.BatchMax] = r.Hold
		b.granted++
		if p.Verb == codec.VerbUpgrade {
			b.moved |= 1 << at
			b.upgraded |= 1 << at
		}
	case p.Has(codec.OptUpgrade):
		b.moved |= 1 << at
	case p.Verb == codec.VerbAcquire:
		b.reentered++
		b.again |= 1 << at
	case p.Verb == codec.VerbRelease:
		b.released++
	default:
		b.renewed++
	}
	return true
}
