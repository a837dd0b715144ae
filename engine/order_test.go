package engine

import (
	"sync"
	"testing"
	"time"

	"dlm/table"
)

// orderCheck checks the stream of events for the promises about order: first come, first served; no
// grant after the end of a wait; no lease ends early.
type orderCheck struct {
	t   testing.TB
	ttl time.Duration // of every hold; 0: leases are not checked

	mu      sync.Mutex
	queue   map[string][]table.Origin // by lock
	renewed map[string]int64          // by lock: when its holder last sent a command
	seen    map[table.EventKind]int
}

func newOrderCheck(t testing.TB) *orderCheck {
	return &orderCheck{t: t, queue: map[string][]table.Origin{}, renewed: map[string]int64{}, seen: map[table.EventKind]int{}}
}

func (o *orderCheck) event(e *table.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[e.Kind]++
	name := string(e.Name)
	switch e.Kind {
	case table.EventEnqueue:
		o.queue[name] = append(o.queue[name], e.From)
	case table.EventTimeOut, table.EventCancel:
		o.leave(name, e.From)
	case table.EventGrant, table.EventReenter:
		o.granted(name, e)
		o.renewed[name] = e.Now
	case table.EventRenew:
		o.renewed[name] = e.Now
	case table.EventExpire:
		if held := time.Duration(e.Now - o.renewed[name]); o.ttl > 0 && held < o.ttl {
			o.t.Errorf("%s: expired %v after its holder was last heard of", name, held)
		}
	}
}

// missing returns those kinds of events that there were none of.
func (o *orderCheck) missing(kinds []table.EventKind) (none []table.EventKind) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, kind := range kinds {
		if o.seen[kind] == 0 {
			none = append(none, kind)
		}
	}
	return none
}

// leave takes a request out of the queue, at any place.
func (o *orderCheck) leave(name string, from table.Origin) {
	q := o.queue[name]
	for i := range q {
		if q[i] == from {
			o.queue[name] = append(q[:i:i], q[i+1:]...)
			return
		}
	}
	o.t.Errorf("%s: a wait ended that had not begun", name)
}

// granted checks whose turn it was.
func (o *orderCheck) granted(name string, e *table.Event) {
	q := o.queue[name]
	switch {
	case e.Waited && (len(q) == 0 || q[0] != e.From):
		o.t.Errorf("%s: granted out of turn to %v in a queue of %d", name, e.From, len(q))
	case e.Waited:
		o.queue[name] = q[1:]
	case e.Kind == table.EventGrant && len(q) > 0:
		o.t.Errorf("%s: a newcomer was granted before a queue of %d", name, len(q))
	}
}

// TestOrderCheckFindsViolations checks it with forbidden histories.
func TestOrderCheckFindsViolations(t *testing.T) {
	one, two := table.Origin{Conn: 1}, table.Origin{Conn: 2}
	ev := func(kind table.EventKind, from table.Origin, waited bool, now int64) table.Event {
		return table.Event{Kind: kind, Name: []byte("x"), From: from, Waited: waited, Now: now}
	}
	queueOfTwo := []table.Event{ev(table.EventGrant, table.Origin{Conn: 9}, false, 0),
		ev(table.EventEnqueue, one, false, 0), ev(table.EventEnqueue, two, false, 0)}
	for name, c := range map[string]struct {
		last table.Event
		bad  bool
	}{
		"the first is granted":        {ev(table.EventGrant, one, true, 1), false},
		"the second overtakes":        {ev(table.EventGrant, two, true, 1), true},
		"a newcomer overtakes":        {ev(table.EventGrant, table.Origin{Conn: 3}, false, 1), true},
		"a stranger's wait ends":      {ev(table.EventTimeOut, table.Origin{Conn: 3}, false, 1), true},
		"a wait ends":                 {ev(table.EventCancel, two, false, 1), false},
		"the lease ends in time":      {ev(table.EventExpire, table.Origin{}, false, int64(time.Second)), false},
		"the lease ends early":        {ev(table.EventExpire, table.Origin{}, false, int64(time.Second)-1), true},
		"the holder passes the queue": {ev(table.EventReenter, table.Origin{Conn: 9}, false, 1), false},
	} {
		probe := &probeTB{TB: t}
		o := newOrderCheck(probe)
		o.ttl = time.Second
		for _, e := range append(queueOfTwo[:3:3], c.last) {
			o.event(&e)
		}
		if probe.failed != c.bad {
			t.Errorf("%s: violation found: %v", name, probe.failed)
		}
	}
}

// probeTB notes a failure instead of failing.
type probeTB struct {
	testing.TB
	failed bool
}

func (p *probeTB) Errorf(string, ...any) { p.failed = true }

// countingTap is an order check for one crowded lock, in constant time per
// event: requests are numbered as they come, and grants must have rising numbers.
type countingTap struct {
	mu      sync.Mutex
	numbers map[table.Origin]int
	next    int
	last    int
	bad     int
}

func (c *countingTap) event(e *table.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case e.Kind == table.EventEnqueue:
		if c.numbers == nil {
			c.numbers = map[table.Origin]int{}
		}
		c.next++
		c.numbers[e.From] = c.next
	case e.Kind == table.EventGrant && e.Waited:
		if n := c.numbers[e.From]; n <= c.last {
			c.bad++
		} else {
			c.last = n
		}
	}
}

func (c *countingTap) check(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bad > 0 || c.last == 0 {
		t.Errorf("%d grants out of order, last granted number %d", c.bad, c.last)
	}
}

// TestWhoHasWaitedIsAnsweredFirst: a hand-off does not wait for a write to another connection. The
// reactor writes to the next holder, or wakes its loop, before it answers the RELEASE.
func TestWhoHasWaitedIsAnsweredFirst(t *testing.T) {
	s := newSim(t, nil)
	holder, near, far := s.dial(0), s.dial(0), s.dial(1)
	holder.do("ACQUIRE near a 0", "OK")
	holder.do("ACQUIRE far a 0", "OK")
	near.send("ACQUIRE near b 1000\n")
	far.send("ACQUIRE far b 1000\n")
	var order []*client
	s.written = func(k *client) {
		order = append(order, k)
		if k == holder && (len(s.due) != 1 || s.due[0] != far.r) {
			t.Error("the reply to the RELEASE is written before the other loop is woken")
		}
	}
	holder.send("RELEASE near a\nRELEASE far a\n")
	if len(order) != 3 || order[0] != near || order[1] != holder || order[2] != far {
		t.Errorf("written to in the order %v; near, holder and far are %p, %p and %p", order, near, holder, far)
	}
	holder.expect("OK\nOK\n")
	near.expect("OK\n")
	far.expect("OK\n")
}
