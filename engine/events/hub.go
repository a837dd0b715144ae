package events

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// Hub has the subscribers of a server.
type Hub struct {
	tap func(*table.Event) // of tests; nil: none

	watches, notices index
	boxes            []box       // by loop
	free             sync.Pool   // of *news; an event has one while its shard is locked
	pending          atomic.Bool // a box has something, and its loop may not know it yet

	Missed atomic.Uint64 // events that found a buffer full
}

// box has the subscribers of one loop with something to send.
type box struct {
	mu   sync.Mutex
	list []*Subscriber // guarded by mu
	has  atomic.Bool   // list is not empty
	told atomic.Bool   // the loop was woken for it
}

// New returns a Hub for that many loops. tap, if not nil, sees all changes of locks, whether
// somebody watches or not.
func New(loops int, tap func(*table.Event)) *Hub {
	h := &Hub{tap: tap, boxes: make([]box, loops)}
	h.watches.init()
	h.notices.init()
	return h
}

// Watch subscribes to the locks of t whose names begin with the prefix. It returns false if the
// subscriber has too many. The loop of the subscriber calls it, as all methods that take one.
func (h *Hub) Watch(t *table.Table, s *Subscriber, prefix []byte, who auth.Identity, form codec.Form) bool {
	list, ok := with(s.watched, string(prefix))
	if ok {
		s.become(who, form)
		h.set(t, &h.watches, s, &s.watched, list)
	}
	return ok
}

// Notify subscribes to the losses of holds of services whose ids begin with the prefix.
func (h *Hub) Notify(t *table.Table, s *Subscriber, prefix []byte, who auth.Identity, form codec.Form) bool {
	list, ok := with(s.notified, string(prefix))
	if ok {
		s.become(who, form)
		h.set(t, &h.notices, s, &s.notified, list)
	}
	return ok
}

// Unwatch ends what Watch with that prefix began.
func (h *Hub) Unwatch(t *table.Table, s *Subscriber, prefix []byte) {
	var list []string
	for _, p := range s.watched {
		if p != string(prefix) {
			list = append(list, p)
		}
	}
	h.set(t, &h.watches, s, &s.watched, list)
}

// UnwatchAll ends all that Watch began.
func (h *Hub) UnwatchAll(t *table.Table, s *Subscriber) { h.set(t, &h.watches, s, &s.watched, nil) }

// NotifyOff ends all that Notify began.
func (h *Hub) NotifyOff(t *table.Table, s *Subscriber) { h.set(t, &h.notices, s, &s.notified, nil) }

// Leave ends all subscriptions, and drops what was not sent.
func (h *Hub) Leave(t *table.Table, s *Subscriber) {
	h.UnwatchAll(t, s)
	h.NotifyOff(t, s)
	s.mu.Lock()
	s.drop()
	s.mu.Unlock()
}

// set replaces the prefixes of a subscriber, and puts the hook of the table in or out.
func (h *Hub) set(t *table.Table, x *index, s *Subscriber, prefixes *[]string, list []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.n
	x.remove(s, cover(*prefixes))
	*prefixes = list
	x.add(s, cover(list))
	if (before == 0) == (x.n == 0) {
		return
	}
	on := x.n > 0
	switch {
	case x == &h.watches && on:
		t.SetTap(h.changed)
	case x == &h.watches:
		t.SetTap(h.tap)
	case on:
		t.SetLost(h.lost)
	default:
		t.SetLost(nil)
	}
}

// Subscriptions returns how many prefixes are watched, and how many notified of.
func (h *Hub) Subscriptions() (watches, notices int) {
	h.watches.mu.RLock()
	watches = h.watches.n
	h.watches.mu.RUnlock()
	h.notices.mu.RLock()
	defer h.notices.mu.RUnlock()
	return watches, h.notices.n
}

// changed is the hook for all changes of locks.
func (h *Hub) changed(e *table.Event) {
	if h.tap != nil {
		h.tap(e)
	}
	kind := kindOf(e.Kind)
	if kind == "" {
		return
	}
	out := h.begin(codec.Event{Kind: kind, Lock: e.Name, Service: e.Service, Token: e.Token, Count: int64(e.Count), AtMs: e.Now / nsPerMs})
	if waits(e.Kind) {
		out.Token, out.Count = 0, -1 // they would be those of the present holder
	}
	if e.Kind == table.EventForce {
		out.Reason = reason(e)
	}
	may := func(who *auth.Identity) bool { return who.MayUse(e.Name) }
	h.watches.each(e.Name, func(s *Subscriber) { h.send(s, out, may) })
	h.free.Put(out)
}

// lost is the hook for holds that their owners have lost.
func (h *Hub) lost(e *table.Event) {
	out := h.begin(codec.Event{Kind: "lost", Lock: e.Name, Service: e.Service, Token: e.Token, Count: -1, AtMs: -1, Why: "expired"})
	if e.Kind == table.EventForce {
		out.Why, out.Reason = "forced", reason(e)
	}
	may := func(who *auth.Identity) bool { return who.MayUse(e.Name) && who.MayActAs(e.Service) }
	h.notices.each(e.Service, func(s *Subscriber) { h.send(s, out, may) })
	h.free.Put(out)
}

// reason returns the reason of a forced release; it is never nil.
func reason(e *table.Event) []byte {
	if e.Reason == nil {
		return []byte{}
	}
	return e.Reason
}

// news is an event that is encoded once for all subscribers of a form.
type news struct {
	codec.Event
	wire [codec.FormRESP + 1][]byte // by form; empty: no subscriber of the form so far
}

func (h *Hub) begin(e codec.Event) *news {
	n, _ := h.free.Get().(*news)
	if n == nil {
		n = new(news)
	}
	n.Event = e
	for form := range n.wire {
		n.wire[form] = n.wire[form][:0]
	}
	return n
}

// in returns the bytes of the event in a form.
func (n *news) in(form codec.Form) []byte {
	if len(n.wire[form]) == 0 {
		n.wire[form] = codec.AppendEvent(n.wire[form], form, &n.Event)
	}
	return n.wire[form]
}

// send puts an event into the buffer of a subscriber, and the subscriber into the box of its loop.
func (h *Hub) send(s *Subscriber, e *news, may func(*auth.Identity) bool) {
	tell, missed := s.push(e, may)
	if missed {
		h.Missed.Add(1)
	}
	if !tell {
		return
	}
	b := &h.boxes[s.Loop]
	b.mu.Lock()
	b.list = append(b.list, s)
	b.mu.Unlock()
	b.has.Store(true)
	h.pending.Store(true)
}

// Pending reports whether Wake has something to do.
func (h *Hub) Pending() bool { return h.pending.Load() }

// Wake calls wake with the number of each loop that has events to send and does not know it yet.
// The caller holds no shard.
func (h *Hub) Wake(wake func(loop int)) {
	if !h.pending.Swap(false) {
		return
	}
	for i := range h.boxes {
		if b := &h.boxes[i]; b.has.Load() && !b.told.Swap(true) {
			wake(i)
		}
	}
}

// Ready returns the subscribers of a loop with something to send. The loop calls it.
func (h *Hub) Ready(loop int, list []*Subscriber) []*Subscriber {
	b := &h.boxes[loop]
	if !b.has.Load() {
		return list
	}
	b.told.Store(false) // first, because what comes from here on wakes the loop again
	b.has.Store(false)
	b.mu.Lock()
	defer b.mu.Unlock()
	list = append(list, b.list...)
	clear(b.list)
	b.list = b.list[:0]
	return list
}

const nsPerMs = 1_000_000

// kindOf returns the word of an event; empty: it is not told.
func kindOf(kind table.EventKind) string {
	switch kind {
	case table.EventEnqueue:
		return "queued"
	case table.EventGrant, table.EventClaim, table.EventRetoken:
		return "granted"
	case table.EventReenter:
		return "reentered"
	case table.EventRelease, table.EventTakeBack:
		return "released"
	case table.EventExpire:
		return "expired"
	case table.EventForce:
		return "forced"
	case table.EventUpgrade:
		return "upgraded"
	case table.EventDowngrade:
		return "downgraded"
	case table.EventTimeOut:
		return "timeout"
	case table.EventCancel, table.EventRefuse:
		return "canceled"
	}
	return ""
}

// waits reports whether the event is about a request and not about a hold.
func waits(kind table.EventKind) bool {
	switch kind {
	case table.EventEnqueue, table.EventTimeOut, table.EventCancel, table.EventRefuse:
		return true
	}
	return false
}
