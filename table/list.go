package table

import "bytes"

// Cursor is a place in a listing: a shard and a record in it. Records do not move while they live,
// so a lock that is held during the whole listing is met exactly once, whatever other locks come
// and go.
type Cursor struct {
	Shard uint8
	Index uint32
}

// Filter says which locks a listing wants.
type Filter struct {
	Prefix    []byte
	Owner     []byte // only holds of that service; empty: of all
	Contended bool   // only locks with waiters
	Held      bool   // no locks that have only waiters, in a recovery grace
}

// List appends locks of the shard to out, beginning with record *at. It appends at most n and looks
// at no more than *scan records, from which it subtracts the records it looked at. It moves *at on
// and returns true when the shard has been listed to its end.
//
// If few records are in use, or few locks have waiters, List does not look at the other records. So
// listing what is left of a formerly large table stays cheap.
//
// If fx is nil, List ends no lease. A lock whose lease is over is then listed as held, with no
// lease left, until the caller of Advance ends it.
func (s *Shard) List(
	now int64, at *uint32, scan *int, n int, f *Filter, out *Statuses, fx *Effects,
) (done bool) {
	s.setTime(now)
	end, wanted := s.locks.len(), s.locks.live()
	if f.Contended {
		wanted = min(wanted, s.waiters.live)
	}
	switch {
	case wanted == 0:
		*at = end
	case wanted*sparseFrom < int(end)-int(*at):
		done = s.listSparse(at, scan, n, f, out, fx)
		s.verify()
		return done
	}
	for ; *at < end; *at++ {
		if n == 0 || *scan == 0 {
			return false
		}
		*scan--
		if s.listOne(*at, f, out, fx) {
			n--
		}
	}
	s.verify()
	return true
}

// Records returns the number of records of the shard, live and free. A Cursor ends there.
func (s *Shard) Records() uint32 { return s.locks.len() }

// listOne appends the lock of record i to out if it is wanted, and reports whether it is.
func (s *Shard) listOne(i uint32, f *Filter, out *Statuses, fx *Effects) bool {
	l := s.locks.record(i)
	if l == nil || l.nameLen == 0 || fx != nil && s.current(i, fx) == none {
		return false
	}
	if !l.state.held() && (f.Held || l.waiters == 0) || f.Contended && l.waiters == 0 ||
		!bytes.HasPrefix(s.name(l), f.Prefix) {
		return false
	}
	if len(f.Owner) == 0 {
		s.fill(l, out.add())
		return true
	}
	if !s.holds(i, f.Owner) {
		return false
	}
	st := out.add()
	s.fill(l, st)
	if l.grouped() { // the owner's own hold
		_, h := s.findHolder(i, l, f.Owner)
		s.fillHold(l, h, st)
	}
	return true
}

// Statuses is a list of Status whose memory is reused.
type Statuses struct{ list []Status }

// All returns the entries that were added since the last Reset.
func (l *Statuses) All() []Status { return l.list }

// Reset empties the list and keeps its memory.
func (l *Statuses) Reset() { l.list = l.list[:0] }

func (l *Statuses) add() *Status {
	if len(l.list) < cap(l.list) {
		l.list = l.list[:len(l.list)+1]
	} else {
		l.list = append(l.list, Status{})
	}
	return &l.list[len(l.list)-1]
}

// Keep drops the entries from index from on that keep refuses, and returns how
// many entries remain.
func (l *Statuses) Keep(from int, keep func(*Status) bool) int {
	n := from
	for i := from; i < len(l.list); i++ {
		if keep(&l.list[i]) {
			l.list[n], l.list[i] = l.list[i], l.list[n]
			n++
		}
	}
	l.list = l.list[:n]
	return n
}
