package table

// Status is the answer of STATUS and LOCKS about one lock. The slices belong to the caller and are
// reused.
type Status struct {
	Held       bool
	Recovering bool // not known to be held, and a recovery grace runs
	Name       []byte
	Owner      []byte // empty if the lock has several holders
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

	// If the lock is shared or a semaphore, Holders is how many services hold it, at least 1.
	// Permits is how many there are, 0 if it is shared, and Taken how many are taken. Owner, Meta,
	// Token, Count, Others, TTLMs, LeaseMs and HeldMs are those of one holder, if a listing asks
	// for its locks, else empty.
	Holders uint32
	Permits uint32
	Taken   uint32
}

// Mode returns the word for how the lock is held: exclusive, shared, or permits.
func (st *Status) Mode() string {
	switch {
	case st.Permits > 0:
		return "permits"
	case st.Holders > 0:
		return "shared"
	}
	return "exclusive"
}

// Status describes the lock of that name at table time now. A lock without a record is free, or, in
// a recovery grace, not known to be held.
func (s *Shard) Status(now int64, hash uint64, name []byte, st *Status, fx *Effects) {
	s.setTime(now)
	i := s.indexOf(uint32(hash), name)
	i = s.current(i, fx)
	st.reset()
	st.Recovering = s.phase == graceRuns
	if i != none {
		s.fill(s.locks.at(i), st)
	}
}

// Look is Status for a caller that can deliver no effects. It ends no lease: a lock whose lease is
// over is described as held, with no lease left, until the caller of Advance ends it.
func (s *Shard) Look(now int64, hash uint64, name []byte, st *Status) {
	s.setTime(now)
	st.reset()
	st.Recovering = s.phase == graceRuns
	if _, l := s.find(uint32(hash), name); l != nil {
		s.fill(l, st)
	}
}

// reset empties st and keeps its memory.
func (st *Status) reset() {
	*st = Status{Name: st.Name[:0], Owner: st.Owner[:0], Meta: st.Meta[:0], Next: st.Next[:0]}
}

// fill copies the record of a lock.
func (s *Shard) fill(l *lock, st *Status) {
	st.reset()
	st.Held = l.state.held()
	st.Recovering = !st.Held && l.state != stateVacant
	st.Name = append(st.Name, s.name(l)...)
	if next := s.attachedFrom(l.first); next != none {
		st.Next = append(st.Next, s.waiterService(s.waiters.at(next))...)
	}
	st.Waiters = l.waiters
	if l.grouped() {
		st.Holders, st.Permits, st.Taken = l.count, l.share().permits(), uint32(l.taken())
		return
	}
	s.fillHold(l, nil, st)
}

// Holders appends the holders of the lock of that name to out, at most so many, and returns how
// many there are. It fills Owner, Meta and the numbers of a hold. If fx is nil, it ends no lease,
// like List.
func (s *Shard) Holders(now int64, hash uint64, name []byte, most int, out *Statuses, fx *Effects) (all int) {
	s.setTime(now)
	i := s.indexOf(uint32(hash), name)
	if fx != nil {
		i = s.current(i, fx)
	}
	if i == none || !s.locks.at(i).state.held() {
		return 0
	}
	l := s.locks.at(i)
	if !l.grouped() {
		if most > 0 {
			s.fill(l, out.add())
		}
		return 1
	}
	for at, _ := l.list(); at != none && most > 0; at = s.holderAt(at).next {
		if h := s.holderAt(at); h.state.held() {
			st := out.add()
			st.reset()
			st.Held = true
			s.fillHold(l, h, st)
			most--
		}
	}
	return int(l.count)
}

// fillHold copies the fields of the hold of h, or of the exclusive hold if h is nil.
func (s *Shard) fillHold(l *lock, h *holder, st *Status) {
	x, g := l.holdOf(h)
	st.Owner, st.Meta = append(st.Owner, s.serviceOf(l, h)...), append(st.Meta, s.meta(g)...)
	st.Token, st.Count, st.Others = uint64(x.token), x.count, uint32(g.others())
	if g.state.held() {
		st.TTLMs = x.ttlMs
		st.LeaseMs = max(0, s.leaseLeftMs(x)) // its end may wait for heartbeats: see Pauses
		st.HeldMs = (s.now - g.since) / nsPerMs
	}
}
