package observe

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"dlm/codec"
	"dlm/table"
)

const (
	// eventsKept is how many events the ring keeps: at most 1.5 MB with the longest names.
	eventsKept = 1024
	// kindMax is how many events of one kind are kept one by one in kindWindow. The others of that
	// time are one event at its end. So events of other kinds stay for a quarter of an hour,
	// whatever comes in crowds.
	kindMax    = 60
	kindWindow = time.Minute
)

// Event is one notable thing that happened.
type Event struct {
	Seq     uint64      `json:"seq"`
	AtMs    int64       `json:"at_ms"`
	Kind    string      `json:"kind"`
	Lock    Text        `json:"lock,omitempty"`
	Service Text        `json:"service,omitempty"`
	Token   codec.Token `json:"token,omitempty"`
	Detail  string      `json:"detail"` // words of the server
}

// Words for the kinds of events of the table.
var noteKinds = [...]struct{ kind, detail string }{
	table.NoteExpired:  {"expired", "held %d ms"},
	table.NoteForced:   {"forced", "held %d ms"},
	table.NoteSlow:     {"slow", "waited %d ms"},
	table.NoteTimeout:  {"timeout", "waited %d ms"},
	table.NoteRefused:  {"refused", "the hold to upgrade has ended, waited %d ms"},
	table.NoteTakeBack: {"taken-back", "the grant could not be delivered, held %d ms"},
	table.NoteClaim:    {"claim", "a hold that the image did not have"},
	table.NoteDeadlock: {"deadlock", "refused, waited %d ms"},
}

// events is a ring of the last eventsKept events.
type events struct {
	mu    sync.Mutex
	ring  [eventsKept]Event // the event seq is at seq%eventsKept; guarded by mu
	next  uint64            // seq of the next event; guarded by mu
	kinds map[string]*kind  // guarded by mu
}

// kind counts the events of one kind in the present window.
type kind struct {
	since time.Time // when the window began
	kept  int       // one by one
	more  int
}

// Note adds an event that concerns no lock. Any goroutine may call it.
func (o *Observer) Note(kind, format string, args ...any) {
	o.events.mu.Lock()
	defer o.events.mu.Unlock()
	o.events.add(Event{Kind: kind, Detail: fmt.Sprintf(format, args...)}, 1, time.Now())
}

// NoteTable adds the notes of the table and resets them. Any goroutine may call it.
func (o *Observer) NoteTable(notes *table.Notes) {
	list, more := notes.All()
	now := time.Now()
	o.events.mu.Lock()
	for i := range list {
		n := &list[i]
		words := &noteKinds[n.Kind]
		e := Event{Kind: words.kind, Lock: clone(n.Name), Service: clone(n.Service), Token: n.Token, Detail: words.detail}
		switch n.Which {
		case codec.WhichTokens:
			e.Detail = "no token is left, waited %d ms"
		case codec.WhichQuota:
			e.Detail = "the quota of locks is reached, waited %d ms"
		}
		if n.Kind != table.NoteClaim {
			e.Detail = fmt.Sprintf(e.Detail, n.Ns/nsPerMs)
		}
		o.events.add(e, 1, now)
	}
	if more > 0 {
		o.events.add(Event{Kind: "more", Detail: fmt.Sprintf("and %d more", more)}, more, now)
	}
	o.events.mu.Unlock()
	o.logWaits(list, more)
	notes.Reset()
}

// add adds an event that stands for n, or counts it if there were many of its kind lately. The
// caller holds the mutex.
func (r *events) add(e Event, n int, now time.Time) {
	if r.kinds == nil {
		r.kinds = map[string]*kind{}
	}
	k := r.kinds[e.Kind]
	if k == nil {
		k = &kind{}
		r.kinds[e.Kind] = k
	}
	if now.Sub(k.since) >= kindWindow {
		r.tellMore(e.Kind, k, now)
		k.since, k.kept = now, 0
	}
	if k.kept == kindMax {
		k.more += n
		return
	}
	k.kept++
	r.append(e, now)
}

// endKinds adds an event for each kind whose window has ended with events that are only counted.
func (o *Observer) endKinds(now time.Time) {
	o.events.mu.Lock()
	defer o.events.mu.Unlock()
	for name, k := range o.events.kinds {
		if now.Sub(k.since) >= kindWindow {
			o.events.tellMore(name, k, now)
		}
	}
}

// tellMore adds an event for those that are only counted. The caller holds the mutex.
func (r *events) tellMore(name string, k *kind, now time.Time) {
	if k.more > 0 {
		r.append(Event{Kind: name, Detail: fmt.Sprintf("and %d more within a minute", k.more)}, now)
		k.more = 0
	}
}

// append adds an event. The caller holds the mutex.
func (r *events) append(e Event, now time.Time) {
	e.Seq, e.AtMs = r.next, now.UnixMilli()
	r.ring[e.Seq%eventsKept] = e
	r.next++
}

// EventsPage is a part of the events, the oldest first.
type EventsPage struct {
	Next   uint64  `json:"next"` // what to ask since for the events after these
	Lost   uint64  `json:"lost"` // events since then that are not kept any more
	Hidden int     `json:"hidden"`
	Rows   []Event `json:"rows"`
}

// Events answers events from a number on.
func (o *Observer) Events(since uint64, limit int, sight Sight) *EventsPage {
	r := &o.events
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &EventsPage{Rows: []Event{}}
	first := uint64(0)
	if r.next > eventsKept {
		first = r.next - eventsKept
	}
	if since = min(since, r.next); since < first {
		p.Lost, since = first-since, first
	}
	p.Next = since
	for bytes := pageBytes; p.Next < r.next && len(p.Rows) < limit && bytes > 0; p.Next++ {
		e := &r.ring[p.Next%eventsKept]
		if len(e.Lock) > 0 && !sight.MayUse(e.Lock) {
			p.Hidden++
			continue
		}
		p.Rows = append(p.Rows, *e)
		bytes -= len(e.Lock) + len(e.Service) + len(e.Detail)
	}
	return p
}

// NextEvent returns the number of the next event.
func (o *Observer) NextEvent() uint64 {
	o.events.mu.Lock()
	defer o.events.mu.Unlock()
	return o.events.next
}

// lockEvents is how many events the description of one lock shows.
const lockEvents = 20

// eventsOf returns the last events of one lock, the newest first.
func (o *Observer) eventsOf(name []byte) []Event {
	r := &o.events
	list := []Event{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := r.next; seq > 0 && seq+eventsKept > r.next && len(list) < lockEvents; seq-- {
		if e := &r.ring[(seq-1)%eventsKept]; bytes.Equal(e.Lock, name) {
			list = append(list, *e)
		}
	}
	return list
}
