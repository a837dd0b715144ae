package engine

import (
	"runtime/debug"
	"sync/atomic"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/events"
	"dlm/table"
)

// reactor is one event loop and its connections. All methods run on the loop,
// but post, evict and wake. Everything is owned by it unless said otherwise.
//
// The life of a read: feed takes the bytes, begin reads the clock, run decodes and executes, finish
// delivers the ends of waits that came of it and writes every connection that has output, once:
// first those that have waited. single does all of this for a read that is one lock command.
type reactor struct {
	e           *Engine
	index       int
	wakeLoop    atomic.Pointer[func()] // runs drainInbox on the loop; nil: no loop yet
	inbox       inbox
	probe       probe
	pulse       pulse
	knownTokens atomic.Uint64 // Engine.tokensGen of the last recheck
	lagAsked    atomic.Int64  // table time at which the loop was asked for its lag; 0: it was not
	drained     atomic.Bool   // it has answered all waits, before a stop

	conns     []connSlot
	freeSlots []uint32

	now    int64 // table time of this batch, ns
	dec    codec.Decoder
	cmd    *codec.Command    // the present command
	batch  table.Batch       // lock commands that were decoded together
	next   decoded           // what decode has found
	served *durability.State // of the batch or the present command, see prepare
	w      codec.Writer
	tag    tag   // of the wait that is being answered
	user   *conn // whose output w.Buf is; nil: none
	locked bool  // a shard's mutex is held
	fx     table.Effects
	dirty  []*conn // with output to write
	cost   int     // what the batch has cost so far, in lock commands
	round  round

	uncounted   []byte   // a HEARTBEAT whose COUNT has been taken
	scratch     []byte   // output of the conn that is being read
	grantsBuf   grantLog // grants of the conn that is being read
	sweeps      int      // how many there were
	sweepLeft   int      // connections that the last one has not looked at
	overdue     overdue
	recheckLeft int             // connections whose tokens have to be looked up
	recheckGen  uint64          // the change of tokens that this is for
	orphans     []table.HoldRef // grants to take back, as nobody will be told of them
	effectsBuf  []table.Effect
	outbox      outbox
	status      table.Status
	statuses    table.Statuses
	subs        []*events.Subscriber // with events to send
	text        []byte               // INFO
	questions   uint32               // the number of the last
	docs        docTexts
	errorData   []byte // of the error that is being answered
	owner       []byte // the holder that is in it

	traffic traffic
	stats   batchStats
	totals  [len(commandCounts{})]atomic.Uint64 // written by the loop alone
}

func newReactor(e *Engine, index int) *reactor {
	r := &reactor{e: e, index: index, scratch: make([]byte, 0, scratchMin)}
	r.cmd, r.next.cmd = new(codec.Command), new(codec.Command)
	return r
}

// lock locks a shard and returns it.
func (r *reactor) lock(s *table.Shard) *table.Shard {
	s.Lock()
	r.locked = true
	return s
}

func (r *reactor) unlock(s *table.Shard) {
	r.locked = false
	s.Unlock()
}

// begin starts a batch. One reading of the clock serves all its commands.
func (r *reactor) begin() {
	r.now = r.e.clock.Now()
	r.cost = 0
	r.next.done = false
}

// finish ends what has become due meanwhile, delivers the effects of the batch and writes the
// output. It writes to woken waiters first, and to the connection that was read last, because the
// waiters have waited longer; read is nil if no connection was read. Taking back a grant that can't
// be written may end more waits, so finish repeats until nothing is left.
func (r *reactor) finish(read *conn) {
	r.tickDue()
	if r.e.events.Pending() {
		r.e.wakeForEvents()
	}
	for len(r.fx.List) > 0 || len(r.dirty) > 0 {
		r.routeEffects()
		r.outbox.send() // before its own writes, which take longer
		dirty := r.dirty
		r.dirty = nil
		for _, c := range dirty {
			if c != read {
				r.flush(c)
				if c.inputEnded {
					r.windUp(c)
				}
			}
		}
		if read != nil && read.dirty {
			r.flush(read)
			if read.inputEnded {
				r.windUp(read)
			}
		}
		if r.dirty == nil {
			r.dirty = dirty[:0]
		}
	}
	r.outbox.send()
	if r.fx.Notes.Any() {
		r.e.observer.NoteTable(&r.fx.Notes)
	}
	r.e.wakeTimer.wakeBefore(r.e.tab().Next())
	if r.round.spent += r.cost; r.round.spent > roundMax || r.round.turns.len() > 0 {
		r.ring()
	}
	r.publishStats()
}

// routeEffects delivers effects to connections of this loop and hands the others to
// the outbox. The list may grow meanwhile: what is delivered can set commands free
// that were kept. Beyond the budget the outbox takes those of this loop too.
func (r *reactor) routeEffects() {
	for i := 0; i < len(r.fx.List); i++ {
		fx := r.fx.List[i]
		if loopOf(fx.To.Conn) == r.index && !r.overBudget(otherShare) {
			r.deliver(&fx)
		} else {
			r.outbox.add(fx)
		}
	}
	r.fx.List = r.fx.List[:0]
}

// feed takes the bytes of a read. It does not keep the slice.
func (r *reactor) feed(c *conn, in []byte) {
	r.begin()
	c.heardAt = r.now
	r.traffic.now.Reads++
	r.traffic.now.Received += uint64(len(in))
	whole := false
	defer func() {
		if !whole { // so that guard is called only after a panic
			r.guard(c, recover())
		}
	}()
	if live := !c.closing && !c.closed; !live || !r.single(c, in) {
		if live {
			r.read(c, in)
		} else {
			r.discard(c, len(in))
		}
		r.finish(c)
	}
	whole = true
}

// read executes the commands in the input, which follows the partial command of the last read.
func (r *reactor) read(c *conn, in []byte) {
	if c.at.as != ordinary && !r.admit(c, in) {
		return
	}
	if c.out == nil {
		c.out, c.grants = r.scratch[:0], r.grantsBuf
	}
	r.markDirty(c)
	fresh := c.partial == nil
	if !fresh {
		c.partial.Write(in)
		in = c.partial.B
	}
	n := r.run(c, in)
	switch rest := in[n:]; {
	case c.closed || c.closing: // hangUp has dropped the partial command
	case len(rest) == 0:
		c.partial = putBuffer(c.partial)
	case c.postponed && !c.pending.waiting && !c.pending.paused:
		r.keepRest(c, rest)
	case fresh:
		getBuffer(&c.partial).Write(rest)
		c.partialSince = r.now
	case n > 0:
		big := c.partial // it has the size of a read, and the rest usually that of a word
		c.partial = nil
		getBuffer(&c.partial).Write(rest)
		putBuffer(big)
		c.partialSince = r.now
	}
	if bufferLen(c.partial) > r.e.cfg.PendingMax+codec.FrameMax {
		r.e.reject(rejectPending)
		r.failWith(c, codec.Limit, r.e.limitHit(codec.WhichPending), "input comes faster than its commands can be executed")
	}
	// flush follows and accounts for the rest.
}

// guard survives a panic in a batch, if cause is not nil. It logs the panic and closes the
// connection that was served, and the server goes on. A panic while a shard is locked ends the
// process, because the state of its locks is unknown then, and a lock server must not guess.
func (r *reactor) guard(c *conn, cause any) {
	if cause == nil {
		return
	}
	if r.locked {
		r.e.crash(cause)
	}
	r.e.cfg.Log.Error("internal error", "event", "internal-error", "cause", cause, "stack", string(debug.Stack()))
	if user := r.user; user != nil {
		r.endReply(user)
		r.failInternally(user) // its last reply may be incomplete
	}
	if c != nil && !c.closed {
		r.failInternally(c)
	}
	r.finish(nil)
}

func (r *reactor) failInternally(c *conn) {
	r.fail(c, codec.Internal, "a bug of the server, which has been logged; the connection is closed")
}
