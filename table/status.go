package table

// Status is what STATUS and LOCKS tell of one lock. The slices are the
// caller's own and are reused.
type Status struct {
	Held       bool
	Recovering bool // not held, as far as is known; a recovery grace runs
	Name       []byte
	Owner      []byte
	Meta       []byte // empty: none
	Next       []byte // service id of the first waiter; empty: nobody waits
	Token      uint64
	Count      uint32
	Waiters    uint32
	Others     uint32 // re-entries from other connections than the one that was granted; at OthersMax it may be more
	LeaseMs    int64  // what is left of the lease
	HeldMs     int64  // since the present holder was granted
}

// Status describes the lock of that name at table time now. An unheld lock
// has no record: it is free, or, in a recovery grace, not known to be held.
func (s *Shard) Status(now int64, hash uint64, name []byte, st *Status, fx *Effects) {
	s.setTime(now)
	i := s.find(uint32(hash), name)
	i = s.current(i, fx)
	*st = Status{Recovering: s.phase == graceRuns, Name: st.Name[:0], Owner: st.Owner[:0], Meta: st.Meta[:0], Next: st.Next[:0]}
	if i != none {
		s.fill(s.locks.at(i), st)
	}
}

// fill copies what is known of a lock.
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
	st.LeaseMs = max(0, s.leaseLeftMs(l)) // its end may wait for heartbeats: see Pauses
	st.HeldMs = (s.now - l.since) / nsPerMs
}
