package table

// Status is the answer of STATUS and LOCKS about one lock. The slices belong to the caller and are
// reused.
type Status struct {
	Held       bool
	Recovering bool // not known to be held, and a recovery grace runs
	Name       []byte
	Owner      []byte
	Meta       []byte // empty: none
	Next       []byte // service id of the first waiter; empty: no waiter
	Token      uint64
	Count      uint32
	Waiters    uint32
	// re-entries from connections other than that of the grant; a lower bound at OthersMax
	Others  uint32
	TTLMs   uint32 // length of the lease
	LeaseMs int64  // rest of the lease
	HeldMs  int64  // time since the present holder was granted
}

// Status describes the lock of that name at table time now. A lock without a record is free, or, in
// a recovery grace, not known to be held.
func (s *Shard) Status(now int64, hash uint64, name []byte, st *Status, fx *Effects) {
	s.setTime(now)
	i := s.indexOf(uint32(hash), name)
	i = s.current(i, fx)
	*st = Status{Recovering: s.phase == graceRuns, Name: st.Name[:0], Owner: st.Owner[:0], Meta: st.Meta[:0], Next: st.Next[:0]}
	if i != none {
		s.fill(s.locks.at(i), st)
	}
}

// Look is Status for a caller that can deliver no effects. It ends no lease: a lock whose lease is
// over is described as held, with no lease left, until the caller of Advance ends it.
func (s *Shard) Look(now int64, hash uint64, name []byte, st *Status) {
	s.setTime(now)
	*st = Status{Recovering: s.phase == graceRuns, Name: st.Name[:0], Owner: st.Owner[:0], Meta: st.Meta[:0], Next: st.Next[:0]}
	if _, l := s.find(uint32(hash), name); l != nil {
		s.fill(l, st)
	}
}

// fill copies the record of a lock.
func (s *Shard) fill(l *lock, st *Status) {
	st.Held = l.state.held()
	st.Recovering = !st.Held
	st.Name = append(st.Name[:0], s.name(l)...)
	st.Owner = append(st.Owner[:0], s.service(l)...)
	st.Meta, st.Next = st.Meta[:0], st.Next[:0]
	if l.meta != 0 {
		st.Meta = append(st.Meta, s.arena.get(l.meta, l.metaLen())...)
	}
	if l.first != none {
		st.Next = append(st.Next, s.waiterService(s.waiters.at(l.first))...)
	}
	st.Token, st.Count, st.Waiters, st.Others = uint64(l.token), l.count, l.waiters, uint32(l.others())
	if !st.Held {
		return
	}
	st.TTLMs = l.ttlMs
	st.LeaseMs = max(0, s.leaseLeftMs(&l.hold)) // its end may wait for heartbeats: see Pauses
	st.HeldMs = (s.now - l.since) / nsPerMs
}
