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
	st.Recovering = !st.Held && l.state != stateVacant
	st.Name = append(st.Name[:0], s.name(l)...)
	st.Owner = append(st.Owner[:0], s.service(l)...)
	st.Meta, st.Next = st.Meta[:0], st.Next[:0]
	if next := s.attachedFrom(l.first); next != none {
		st.Next = append(st.Next, s.waiterService(s.waiters.at(next))...)
	}
	st.Holders, st.Permits, st.Taken = 0, 0, 0
	if l.grouped() {
		st.Token, st.Count, st.Waiters, st.Others = 0, 0, l.waiters, 0
		st.TTLMs, st.LeaseMs, st.HeldMs = 0, 0, 0
		st.Holders, st.Permits, st.Taken = l.count, l.share().permits(), uint32(l.taken())
		return
	}
	if l.meta != 0 {
		st.Meta = append(st.Meta, s.arena.get(l.meta, l.metaLen())...)
	}
	st.Token, st.Count, st.Waiters, st.Others = uint64(l.token), l.count, l.waiters, uint32(l.others())
	if !st.Held {
		return
	}
	st.TTLMs = l.ttlMs
	st.LeaseMs = max(0, s.leaseLeftMs(&l.hold)) // its end may wait for heartbeats: see Pauses
	st.HeldMs = (s.now - l.since) / nsPerMs
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
			s.fillHolder(h, out.add())
			most--
		}
	}
	return int(l.count)
}

// fillHolder copies the record of a holder.
func (s *Shard) fillHolder(h *holder, st *Status) {
	*st = Status{Held: true, Name: st.Name[:0], Owner: st.Owner[:0], Meta: st.Meta[:0], Next: st.Next[:0]}
	s.fillHold(h, st)
}

// fillHold copies the fields of a hold of a group.
func (s *Shard) fillHold(h *holder, st *Status) {
	st.Owner, st.Meta = append(st.Owner[:0], s.holderService(h)...), st.Meta[:0]
	if h.meta != 0 {
		st.Meta = append(st.Meta, s.arena.get(h.meta, h.metaLen())...)
	}
	st.Token, st.Count, st.Others, st.TTLMs = uint64(h.token), h.count, uint32(h.others()), h.ttlMs
	st.LeaseMs = max(0, s.leaseLeftMs(&h.hold))
	st.HeldMs = (s.now - h.since) / nsPerMs
}
