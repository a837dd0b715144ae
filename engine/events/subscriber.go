package events

import (
	"slices"
	"sync"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

const (
	// PrefixesMax is the most prefixes of WATCH that one connection may have, and the same of
	// NOTIFY. A client has few, and each costs memory of the server.
	PrefixesMax = 16
	// bufferMax is the size of a connection's buffer of events in bytes: some 600 events.
	bufferMax = 64 << 10
	// bufferKept is the size of a buffer that an idle connection keeps.
	bufferKept = 1 << 10
)

// Subscriber is one connection that is told of events. The zero value has no subscription.
type Subscriber struct {
	Conn table.ConnID
	Loop int // of the connection

	watched, notified []string // prefixes; owned by the loop

	mu     sync.Mutex
	who    auth.Identity // guarded by mu
	form   codec.Form    // of events; guarded by mu
	buf    []byte        // events in the form of the wire; guarded by mu
	missed int64         // events since buf was full; guarded by mu
	listed bool          // it is in the box of its loop; guarded by mu
}

// Take appends the events of the buffer to dst and empties it. The loop calls it.
func (s *Subscriber) Take(dst []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = append(dst, s.buf...)
	if s.missed > 0 {
		dst = codec.AppendEvent(dst, s.form, &codec.Event{Kind: "missed", Count: s.missed, AtMs: -1})
	}
	s.drop()
	return dst
}

// drop empties the buffer.
func (s *Subscriber) drop() {
	s.missed, s.listed = 0, false
	if s.buf = s.buf[:0]; cap(s.buf) > bufferKept {
		s.buf = nil
	}
}

// push appends an event, if the subscriber may see it. It reports whether the loop has to be told
// that there is something, and whether the event found the buffer full.
func (s *Subscriber) push(e *news, may func(*auth.Identity) bool) (tell, missed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !may(&s.who) {
		return false, false
	}
	if wire := e.in(s.form); s.missed > 0 || len(s.buf)+len(wire) > bufferMax {
		s.missed++
		missed = true
	} else {
		s.buf = append(s.buf, wire...)
	}
	tell, s.listed = !s.listed, true
	return tell, missed
}

// Memory returns the bytes of the buffer, beyond those that an idle connection keeps. Of nil it is
// none.
func (s *Subscriber) Memory() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cap(s.buf) <= bufferKept {
		return 0
	}
	return cap(s.buf)
}

// become sets what the subscriber may see, and the form of its events.
func (s *Subscriber) become(who auth.Identity, form codec.Form) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.who, s.form = who, form
}

// with returns the prefixes with one more, or false if there would be too many.
func with(prefixes []string, prefix string) ([]string, bool) {
	if slices.Contains(prefixes, prefix) {
		return prefixes, true
	}
	return append(slices.Clip(prefixes), prefix), len(prefixes) < PrefixesMax
}
