package engine

import (
	"sync"
	"sync/atomic"

	"dlm/codec"
	"dlm/table"
)

// inbox is how other goroutines reach a reactor: ends of waits to deliver, and
// orders. The goroutine that arms it wakes the reactor, once per batch of messages.
type inbox struct {
	mu        sync.Mutex
	effects   []table.Effect // guarded by mu
	evicting  []table.ConnID // guarded by mu; connections to close for their buffers
	writable  []table.ConnID // guarded by mu; connections whose output can go on
	dismissed []table.ConnID // guarded by mu; guests whose places are needed
	answers   []*answered    // guarded by mu; to questions of its connections
	refusals  []refusal      // guarded by mu; of waits with DETECT
	asks      []connsAsk     // guarded by mu; about its connections
	orders    orders         // guarded by mu
	armed     atomic.Bool    // the reactor has been woken and has not emptied it yet
}

// orders is a set of things that a reactor is told to do.
type orders uint8

const (
	orderSweep   orders = 1 << iota // look for connections past an age limit
	orderDrain                      // answer all waits with SHUTDOWN
	orderClose                      // close every connection whose output is written
	orderRecheck                    // look the tokens of all connections up again
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
func (r *reactor) evict(id table.ConnID) {
	r.inbox.mu.Lock()
	r.inbox.evicting = append(r.inbox.evicting, id)
	r.inbox.mu.Unlock()
	r.wake()
}

// goOn tells the reactor that the kernel can take more output of a connection, or that it has
// failed.
func (r *reactor) goOn(id table.ConnID) {
	r.inbox.mu.Lock()
	r.inbox.writable = append(r.inbox.writable, id)
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
	effects, evicting, o := r.inbox.effects, r.inbox.evicting, r.inbox.orders
	dismissed := r.inbox.dismissed
	r.inbox.dismissed = nil
	answers, asks := r.inbox.answers, r.inbox.asks
	refusals := r.inbox.refusals
	r.inbox.answers, r.inbox.asks, r.inbox.refusals = nil, nil, nil
	r.inbox.effects, r.inbox.evicting, r.inbox.orders = r.spareEffects[:0], nil, 0
	r.inbox.mu.Unlock()

	r.begin()
	defer func() { r.guard(nil, recover()) }()
	for i := range effects {
		if r.overBudget(otherShare) {
			r.outbox.add(effects[i]) // to itself, after the input of the sockets
			continue
		}
		r.deliver(&effects[i])
	}
	r.spareEffects = effects[:0]
	for _, a := range answers {
		r.giveAnswer(a)
	}
	for i := range refusals {
		r.giveRefusal(&refusals[i])
	}
	for i := range asks {
		r.answerConns(&asks[i])
	}
	for _, id := range evicting {
		if c := r.lookup(id); c != nil {
			r.e.reject(rejectBuffers)
			r.failWith(c, codec.Limit, codec.WhichMemory.String(), "buffers of all connections are at their limit, this one had the largest")
			r.flush(c)
			r.drop(c)
		}
		r.e.buffers.evicted(id)
	}
	for _, id := range dismissed {
		r.endGuest(id)
	}
	r.handle(o)
	r.outputReady()
	r.sendEvents()
	r.finish(nil)
}

func (r *reactor) handle(o orders) {
	if o&orderSweep != 0 {
		r.sweep()
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
