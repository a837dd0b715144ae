//go:build invariants

package table

import (
	"fmt"
	"sync"

	"dlm/codec"
)

// runCheck is the outcome of one command by the general rules, on a twin of the shard that has only
// the lock that the command names.
type runCheck struct {
	cmd  codec.Command
	tag  uint32
	want string
}

// twins are tables for checks: a new one for each would cost most of the time.
var twins = sync.Pool{New: func() any { return &Table{measures: new([Shards]measures)} }}

// checkFrom and checkEvery bound the cost of the checks: a shard checks its first commands, and
// then one in checkEvery.
const (
	checkFrom  = 64
	checkEvery = 32
)

// beforeRun executes p by the general rules on a twin of the shard, if it is to be checked.
func (s *Shard) beforeRun(b *Batch, p *codec.LockCommand) (c runCheck) {
	if s.checks.calls > checkFrom && s.checks.calls%checkEvery != 0 {
		return c
	}
	p.Command(b.Batch.Source(p, b.in), &c.cmd)
	hash := s.table.Hash(c.cmd.Name)
	c.tag = uint32(hash)
	t := twins.Get().(*Table)
	defer twins.Put(t)
	twin := s.twinIn(t, c.tag, c.cmd.Name)
	r := *twin.Apply(s.now, hash, &c.cmd, Origin{Conn: b.from}, new(Effects))
	if r.Code != codec.OK || r.Waiting {
		panic(fmt.Sprintf("BUG: %+v is executed, the general rules answer %+v", c.cmd, r))
	}
	c.want = twin.outcome(c.tag, c.cmd.Name, &codec.GrantReply{Token: r.Token, Count: r.Count, LeaseMs: r.LeaseMs}, twin.amended+s.amended)
	return c
}

// after compares the shard and the result with what the general rules have made of the twin.
func (c runCheck) after(s *Shard, r *codec.GrantReply) {
	if c.want == "" {
		return
	}
	if got := s.outcome(c.tag, c.cmd.Name, r, s.amended); got != c.want {
		panic(fmt.Sprintf("BUG: %+v comes to\n%s\nby the general rules to\n%s", c.cmd, got, c.want))
	}
}

// twinIn makes a shard of t a twin of s, with the lock of that name if there is one.
func (s *Shard) twinIn(t *Table, tag uint32, name []byte) *Shard {
	t.key, t.longKey, t.ttlMs, t.ttlMaxMs, t.config, t.pauses = s.table.key, s.table.longKey, s.table.ttlMs, s.table.ttlMaxMs, s.table.config, s.table.pauses
	t.ceiling.Store(s.table.ceiling.Load())
	t.memoryLeft.Store(1 << 40)
	t.locks.init(Shards)
	twin := &t.shards[s.number]
	*twin = Shard{table: t, number: s.number, now: s.now, counter: s.counter}
	twin.locks.free = none
	twin.ended.init()
	twin.over.init()
	if _, l := s.find(tag, name); l != nil {
		twin.reserveGrant()
		i, x := twin.create(tag, name)
		x.token, x.deadline, x.ttlMs, x.count, x.since, x.by = l.token, l.deadline, l.ttlMs, l.count, l.since, l.by
		x.armed, x.extra = 0, 0
		twin.setService(x, s.service(l))
		if l.meta != 0 {
			twin.setMeta(&x.grantee, s.arena.get(l.meta, l.metaLen()))
		}
		x.extra |= l.extra &^ metaLenMask
		twin.armLease(i, x)
	}
	return twin
}

// outcome describes the result of a command and the record of its lock.
func (s *Shard) outcome(tag uint32, name []byte, r *codec.GrantReply, amended uint32) string {
	_, l := s.find(tag, name)
	if l == nil {
		return fmt.Sprintf("%+v, last token %d, free, %d amended", *r, s.counter, amended)
	}
	meta := ""
	if l.meta != 0 {
		meta = string(s.arena.get(l.meta, l.metaLen()))
	}
	return fmt.Sprintf("%+v, last token %d, %q of %q: token %d until %d, TTL %d, count %d since %d, by %d, meta %q, others %d, %d amended", *r, s.counter,
		s.name(l), s.service(l), l.token, l.deadline, l.ttlMs, l.count, l.since, l.by, meta, l.others(), amended)
}
