package engine

import (
	"slices"
	"time"

	"dlm/table"
)

// queueCheck checks the stream of events for what the model of histories leaves out: the order of
// the queue, the lengths of leases, and that a lost connection is granted nothing. It knows the
// command that is being executed, so it follows a request with REQ from one connection to another.
type queueCheck struct {
	w       *history
	queues  map[string][]*place // by lock: requests that are attached, in order
	kept    map[string]*place   // by lock and key: places of requests with REQ
	renewed map[string]int64    // by lock and service
	lost    map[table.ConnID]bool
	next    int
	op      *operation
	moved   bool // the command that is executed was granted, or waits
}

// place is the place of a request in a queue.
type place struct {
	key, service string
	number       int
	from         table.Origin
	upgrade      bool
	detached     bool
	granted      bool
	vague        bool // another request of its service may have this place
}

func newQueueCheck(w *history) *queueCheck {
	return &queueCheck{w: w, queues: map[string][]*place{}, kept: map[string]*place{},
		renewed: map[string]int64{}, lost: map[table.ConnID]bool{}}
}

func (q *queueCheck) begin(op *operation) { q.op, q.moved = op, false }

// done is called after the command. A repeat that does not wait loses its place.
func (q *queueCheck) done() {
	if q.op.verb == "ACQUIRE" && q.op.req != "" && q.op.waitMs == 0 && !q.moved {
		if p := q.kept[q.op.id()]; p != nil && !p.granted {
			delete(q.kept, q.op.id())
		}
	}
	q.op = nil
}

func (q *queueCheck) gone(conn table.ConnID) { q.lost[conn] = true }

// id names a request with REQ.
func (op *operation) id() string { return op.lock + " " + op.key() }

// request returns the command that the event comes from: one that was held back by a wait on its
// connection, or the one that is executed.
func (q *queueCheck) request(e *table.Event) *operation {
	op := q.w.heldBack(e)
	if op == nil || op == q.op {
		q.moved = true
		return q.op
	}
	return op
}

func (q *queueCheck) event(e *table.Event) {
	lock, hold := string(e.Name), string(e.Name)+" "+string(e.Service)
	switch e.Kind {
	case table.EventEnqueue:
		q.enqueue(lock, e)
	case table.EventTimeOut, table.EventRefuse:
		q.leave(lock, e.From, true)
	case table.EventCancel:
		q.cancel(lock, e)
	case table.EventDetach:
		if p := q.leave(lock, e.From, false); p != nil {
			p.detached = true
		}
	case table.EventDisplace:
		q.leave(lock, e.From, false)
	case table.EventGrant, table.EventReenter, table.EventUpgrade:
		q.granted(lock, e)
		q.renewed[hold] = e.Now
	case table.EventRenew:
		q.renewed[hold] = e.Now
	case table.EventRelease, table.EventExpire, table.EventForce:
		if e.Kind == table.EventExpire {
			q.expired(hold, e)
		}
		q.forget(lock, e)
	case table.EventTakeBack:
		q.takenBack(lock, e)
	}
}

// enqueue takes note of a request that waits: at the end, before all others, or in its old place.
func (q *queueCheck) enqueue(lock string, e *table.Event) {
	op := q.request(e)
	if op == nil {
		q.w.t.Errorf("%s: a request of %s began to wait without a command", lock, e.Service)
		return
	}
	q.next++
	p := &place{service: string(e.Service), number: q.next, upgrade: op.verb == "UPGRADE"}
	if op.req != "" {
		if p.key = op.id(); q.kept[p.key] != nil {
			p = q.kept[p.key]
		}
		q.kept[p.key] = p
	}
	if p.upgrade {
		p.number = -q.next
	}
	p.from, p.detached, p.granted = e.From, false, false
	list := q.queues[lock]
	at, _ := slices.BinarySearchFunc(list, p.number, func(x *place, number int) int { return x.number - number })
	q.queues[lock] = slices.Insert(list, at, p)
}

// leave takes the request of that origin out of the queue. over: it has lost its place.
func (q *queueCheck) leave(lock string, from table.Origin, over bool) *place {
	i := slices.IndexFunc(q.queues[lock], func(p *place) bool { return p.from == from })
	if i < 0 {
		q.w.t.Errorf("%s: a wait of %v ended that had not begun", lock, from)
		return nil
	}
	p := q.queues[lock][i]
	q.queues[lock] = slices.Delete(q.queues[lock], i, i+1)
	if over && p.key != "" {
		delete(q.kept, p.key)
	}
	return p
}

// cancel notes the end of a wait. The event of a detached request names its service alone.
func (q *queueCheck) cancel(lock string, e *table.Event) {
	waits := slices.ContainsFunc(q.queues[lock], func(p *place) bool { return p.from == e.From })
	if !waits && q.op != nil && q.op.verb == "CANCEL" && q.kept[q.op.id()] != nil {
		delete(q.kept, q.op.id()) // it was displaced before
		return
	}
	if e.From != (table.Origin{}) {
		q.leave(lock, e.From, true)
		return
	}
	var ended []*place
	for _, p := range q.kept {
		if (p.detached || p.granted) && p.service == string(e.Service) && p.key[:len(lock)+1] == lock+" " {
			ended = append(ended, p)
		}
	}
	if len(ended) == 1 && ended[0].detached {
		delete(q.kept, ended[0].key)
		return
	}
	for _, p := range ended {
		p.vague = true
	}
}

// granted checks whose turn it was.
func (q *queueCheck) granted(lock string, e *table.Event) {
	list := q.queues[lock]
	if q.lost[e.From.Conn] {
		q.w.t.Errorf("%s: granted to the lost connection of %s", lock, e.Service)
	}
	if !e.Waited {
		q.grantedNow(lock, e)
		return
	}
	i := slices.IndexFunc(list, func(p *place) bool { return p.from == e.From })
	if i < 0 {
		q.w.t.Errorf("%s: granted to %s, which does not wait", lock, e.Service)
		return
	}
	for _, before := range list[:i] {
		if !before.vague && !list[i].vague {
			q.w.t.Errorf("%s: granted to %s before %s", lock, e.Service, before.service)
		}
	}
	q.queues[lock][i].granted = true
	q.queues[lock] = slices.Delete(list, i, i+1)
}

// grantedNow checks a grant to the command that is being executed. A repeat may have a place.
func (q *queueCheck) grantedNow(lock string, e *table.Event) {
	q.next++
	p := &place{service: string(e.Service), number: q.next}
	if op := q.request(e); op != nil && op.req != "" && op.verb == "ACQUIRE" {
		if p.key = op.id(); q.kept[p.key] != nil {
			p = q.kept[p.key]
		}
		q.kept[p.key] = p
	}
	p.granted, p.detached = true, false
	for _, before := range q.queues[lock] {
		if e.Kind == table.EventGrant && !before.vague && !p.vague && before.number < p.number {
			q.w.t.Errorf("%s: granted to %s before %s", lock, e.Service, before.service)
		}
	}
}

// expired checks the length of a lease.
func (q *queueCheck) expired(hold string, e *table.Event) {
	if held := time.Duration(e.Now - q.renewed[hold]); held < historyTTL || held > historyTTL+100*time.Millisecond {
		q.w.t.Errorf("%s: expired %v after it was last heard of", hold, held)
	}
}

// forget is called when counts are given back. Requests that were granted them keep no place.
func (q *queueCheck) forget(lock string, e *table.Event) {
	if q.op != nil && q.op.verb == "CANCEL" && e.Kind == table.EventRelease {
		delete(q.kept, q.op.id())
	}
	if e.Count > 0 {
		return
	}
	for _, p := range q.grantsOf(lock, e) {
		if !p.vague {
			delete(q.kept, p.key)
		}
	}
}

// takenBack notes that a request is back in its place, if it has REQ. The event does not say which
// request of its service that is.
func (q *queueCheck) takenBack(lock string, e *table.Event) {
	list := q.grantsOf(lock, e)
	if len(list) == 1 && e.Count == 0 {
		list[0].granted, list[0].detached = false, true
		return
	}
	for _, p := range list {
		p.vague = true
	}
}

// grantsOf returns the requests with REQ of the service that were granted the lock.
func (q *queueCheck) grantsOf(lock string, e *table.Event) (list []*place) {
	for key, p := range q.kept {
		if p.granted && p.service == string(e.Service) && key[:len(lock)+1] == lock+" " {
			list = append(list, p)
		}
	}
	return list
}

// empty checks that nothing waits.
func (q *queueCheck) empty() {
	for lock, list := range q.queues {
		if len(list) > 0 {
			q.w.t.Errorf("%s: %d requests still wait", lock, len(list))
		}
	}
}
