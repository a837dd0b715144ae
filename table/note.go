package table

import "dlm/codec"

// notesMax is how many Notes one Effects keeps. The rest is counted, because a million leases can
// end in one second.
const notesMax = 8

// SlowWait is the wait in ns from which on its end is notable: short timeouts are a style of
// locking.
const SlowWait = 1_000_000_000

// NoteKind names a notable change of a lock.
type NoteKind uint8

const (
	NoteExpired  NoteKind = iota // the lease ended; Ns: how long the lock was held
	NoteForced                   // an admin ended the hold; Ns: how long the lock was held
	NoteSlow                     // granted after a long wait; Ns: the wait
	NoteTimeout                  // a long wait ended by its timeout; Ns: the wait
	NoteRefused                  // a wait ended at its turn; Which says why; Ns: the wait
	NoteTakeBack                 // a grant could not be delivered
	NoteClaim                    // a hold was confirmed in a recovery that the image did not have
	NoteDeadlock                 // a wait with DETECT was refused; Ns: the wait
)

// Note is one notable change, for operators. Name and Service are copies, whose memory the Effects
// use again.
type Note struct {
	Kind    NoteKind
	Name    []byte
	Service []byte // of the holder, or of the request that waited
	Holder  []byte // of NoteTimeout and NoteDeadlock: a holder of the lock then; empty: nobody
	Token   codec.Token
	Which   codec.Which // of NoteRefused: the limit; WhichNone: the hold to upgrade has ended
	Ns      int64
}

// Notes are the notable changes since the last Reset.
type Notes struct {
	list [notesMax]Note
	n    int
	more int
}

// Any reports whether there is a note.
func (n *Notes) Any() bool { return n.n > 0 }

// All returns the notes, and how many were left out.
func (n *Notes) All() (list []Note, more int) { return n.list[:n.n], n.more }

// Reset forgets the notes.
func (n *Notes) Reset() { n.n, n.more = 0, 0 }

// note adds a notable change of lock l.
func (s *Shard) note(fx *Effects, kind NoteKind, l *lock, service []byte, ns int64) {
	s.noteToken(fx, kind, l, l.token, service, ns)
}

// noteHolder is note for a hold, with the time since its begin.
func (s *Shard) noteHolder(fx *Effects, kind NoteKind, l *lock, h *holder) {
	x, g := l.holdOf(h)
	s.noteToken(fx, kind, l, x.token, s.serviceOf(l, h), s.now-g.since)
}

func (s *Shard) noteToken(fx *Effects, kind NoteKind, l *lock, token codec.Token, service []byte, ns int64) {
	n := &fx.Notes
	if n.n == notesMax {
		n.more++
		return
	}
	e := &n.list[n.n]
	n.n++
	e.Kind, e.Token, e.Which, e.Ns = kind, token, codec.WhichNone, ns
	e.Name, e.Service, e.Holder = append(e.Name[:0], s.name(l)...), append(e.Service[:0], service...), e.Holder[:0]
}

// noteSlow notes the grant of a request that has waited for that many ns, if that is long.
func (s *Shard) noteSlow(fx *Effects, l *lock, w *waiter, waited int64) {
	if waited >= SlowWait {
		s.note(fx, NoteSlow, l, s.waiterService(w), waited)
	}
}

// noteTimeout notes the end of a wait of waited ns by its timeout, if it was long.
func (s *Shard) noteTimeout(fx *Effects, l *lock, w *waiter, waited int64) {
	if waited >= SlowWait {
		s.noteWait(fx, NoteTimeout, l, w, waited)
	}
}

// noteWait notes the end of a wait without a grant, and who held the lock then.
func (s *Shard) noteWait(fx *Effects, kind NoteKind, l *lock, w *waiter, waited int64) {
	noted := fx.Notes.n
	s.note(fx, kind, l, s.waiterService(w), waited)
	if fx.Notes.n == noted {
		return
	}
	if h, ok := s.presentHolder(l, w); ok {
		x, _ := l.holdOf(h)
		e := &fx.Notes.list[noted]
		e.Holder, e.Token = append(e.Holder, s.serviceOf(l, h)...), x.token
	}
}
