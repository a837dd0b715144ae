package engine

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
	"dlm/table"
)

// inbox is how other goroutines reach a reactor. The goroutine that arms it wakes the reactor, once
// for all messages until it has emptied the inbox.
type inbox struct {
	mu       sync.Mutex
	messages                // guarded by mu
	writable []table.ConnID // guarded by mu; connections whose output can go on
	armed    atomic.Bool    // the reactor has been woken and has not emptied it yet
}

// messages are what others want of a reactor.
type messages struct {
	effects   []table.Effect // ends of waits to deliver
	evicting  []table.ConnID // connections to close for their buffers
	dismissed []table.ConnID // guests whose places are needed
	answers   []*answered    // to questions of its connections
	forces    []*forcing     // FORCE-RELEASE of its connections, recorded or not
	refusals  []refusal      // of waits with DETECT
	work      []func()       // that others wait for
	orders    orders
}

// orders is a set of things that a reactor is told to do.
type orders uint8

const (
	orderSweep   orders = 1 << iota // look for connections past an age limit
	orderDrain                      // answer all waits with SHUTDOWN
	orderClose                      // close every connection whose output is written
	orderRecheck                    // look the tokens of all connections up again
	orderEnd                        // end the next connections that are overdue
)

// post hands effects and orders to the reactor. Any goroutine may call it.
func (r *reactor) post(effects []table.Effect, o orders) {
	r.inbox.mu.Lock()
	r.inbox.effects = append(r.inbox.effects, effects...)
	r.inbox.orders |= o
	r.inbox.mu.Unlock()
	r.wake()
}

// evict tells the reactor to close a connection for the size of its buffers.
func (r *reactor) evict(id table.ConnID) { tell(r, &r.inbox.evicting, id) }

// goOn tells the reactor that the kernel can take more output of a connection, or that it has
// failed.
func (r *reactor) goOn(id table.ConnID) { tell(r, &r.inbox.writable, id) }

// tell adds a message to a list of the reactor's inbox. Any goroutine may call it.
func tell[T any](r *reactor, list *[]T, message T) {
	r.inbox.mu.Lock()
	*list = append(*list, message)
	r.inbox.mu.Unlock()
	r.wake()
}

func (r *reactor) wake() {
	if !r.inbox.armed.Swap(true) {
		(*r.wakeLoop.Load())()
	}
}

// drainInbox does what others have posted, after the next poll if the round is over its budget.
// armed falls first: what is posted from here on wakes the reactor again.
func (r *reactor) drainInbox() {
	r.pulse.rounds.Add(1)
	if r.round.spent > roundMax {
		r.round.missed = true
		r.ring()
		return
	}
	r.inbox.armed.Store(false)
	r.answerLag()
	r.inbox.mu.Lock()
	in := r.inbox.messages
	r.inbox.messages = messages{effects: r.effectsBuf[:0]}
	r.inbox.mu.Unlock()

	r.begin()
	defer func() { r.guard(nil, recover()) }()
	for i := range in.effects {
		if r.overBudget(otherShare) {
			r.outbox.add(in.effects[i]) // to itself, after the input of the sockets
			continue
		}
		r.deliver(&in.effects[i])
	}
	r.effectsBuf = in.effects[:0]
	for _, a := range in.answers {
		r.giveAnswer(a)
	}
	for _, f := range in.forces {
		if r.overBudget(otherShare) {
			tell(r, &r.inbox.forces, f) // to itself, after the input of the sockets
			continue
		}
		r.forceAsked(f)
	}
	for i := range in.refusals {
		r.giveRefusal(&in.refusals[i])
	}
	for _, work := range in.work {
		work()
	}
	for _, id := range in.evicting {
		if c := r.lookup(id); c != nil {
			r.e.reject(rejectBuffers)
			r.failWith(c, codec.Limit, r.e.limitHit(codec.WhichMemory), "buffers of all connections are at their limit, this one had the largest")
			r.flush(c)
			r.drop(c)
		}
		r.e.buffers.evicted(id)
	}
	for _, id := range in.dismissed {
		r.endGuest(id)
	}
	r.handle(in.orders)
	r.outputReady()
	r.sendEvents()
	r.finish(nil)
}

func (r *reactor) handle(o orders) {
	if o&orderSweep != 0 {
		r.sweep()
	}
	if o&orderEnd != 0 {
		r.endOverdue()
	}
	if o&orderRecheck != 0 {
		r.recheck()
	}
	if o&orderDrain != 0 {
		r.drain()
		r.drained.Store(true)
		r.e.drained.Done()
	}
	if o&orderClose != 0 {
		r.closeIdle()
	}
}

// outbox sorts effects by the reactor they are for.
type outbox struct {
	e   *Engine
	out [][]table.Effect // by loop
}

func newOutbox(e *Engine) outbox {
	return outbox{e: e, out: make([][]table.Effect, len(e.reactors))}
}

// add takes one effect.
func (co *outbox) add(fx table.Effect) {
	loop := loopOf(fx.To.Conn)
	co.out[loop] = append(co.out[loop], fx)
}

// send posts what was added, once per reactor.
func (co *outbox) send() {
	for loop, list := range co.out {
		if len(list) > 0 {
			co.e.reactors[loop].post(list, 0)
			co.out[loop] = list[:0]
		}
	}
}
