package engine

import (
	"github.com/valyala/bytebufferpool"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// A round is what a loop does between two polls of its sockets. It must be short: heartbeats lie in
// the sockets, and whoever sent one must not lose a lease because of what others send.
//
//	feed, feed, ... -> finish: is the round over its budget, or is somebody to come back to?
//	                     | yes: ring
//	                     v
//	                   a poll of all sockets -> toll: a new round begins; turns are taken
//
// The bell is the probe of the loop, a socket of its own, so that whoever rings it is answered
// after the sockets that are ready. A task of gnet would not do: gnet runs tasks that tasks have
// posted before it polls again.
//
// While a round is over its budget, a read may still execute a little: lock commands as many as a
// read has, others few, and costly ones none. So a heartbeat is served in the round in which it
// came. The rest of a read is kept, and the connection waits for its turn.

// round is the budget of a loop. Owned by the reactor.
type round struct {
	spent  int   // cost of the batches since the last poll, in lock commands
	rung   bool  // the bell has been rung and not answered
	inTurn bool  // a connection has its turn: share counts
	share  int   // cost at which the turn ends
	turns  turns // connections to come back to
	missed bool  // the inbox was not looked at, since the round was over its budget
}

// overBudget reports whether a batch must leave the rest to later. least is what it may cost in any
// case.
func (r *reactor) overBudget(least int) bool {
	if r.round.inTurn {
		return r.cost > r.round.share
	}
	return r.cost > least && r.round.spent+r.cost > roundMax
}

// tooCostly reports whether the command that is decoded must wait for a turn: a command that costs
// much is not executed in a round that is over its budget. The first of a turn always is.
func (r *reactor) tooCostly() bool {
	if !verbsCostly.has(r.cmd.Verb) {
		return false
	}
	if r.round.inTurn {
		return r.cost > r.round.share
	}
	return r.round.spent+r.cost > roundMax
}

// ring makes toll run after the next poll of the sockets.
func (r *reactor) ring() {
	if !r.round.rung {
		r.round.rung = true
		(*r.probe.again.Load())()
	}
}

// polled is called on the loop when the probe is read: the sockets that were readable when it was
// written to have been read.
func (r *reactor) polled() {
	if r.round.rung {
		r.toll()
	}
	r.probed()
}

// toll begins a round: the sockets have been polled. It does what was left over in the last one.
func (r *reactor) toll() {
	r.round.rung, r.round.spent = false, 0
	r.takeTurns()
	r.goOnWalking()
	if r.round.missed {
		r.round.missed = false
		r.drainInbox()
	}
}

// takeTurns goes on with the connections that were postponed, each for its share.
func (r *reactor) takeTurns() {
	n := r.round.turns.len()
	if n == 0 {
		return
	}
	r.begin()
	defer func() {
		r.round.inTurn = false
		r.guard(nil, recover())
	}()
	share := max(turnMin, turnsMax/n)
	r.round.inTurn = true
	for ; n > 0 && r.cost <= turnsMax; n-- {
		if c := r.lookup(r.round.turns.next()); c != nil {
			r.round.share = r.cost + share
			r.comeBack(c)
		}
	}
	r.round.inTurn = false
	r.finish(nil)
}

// later makes the reactor come back to the connection, when others have had their turn.
func (r *reactor) later(c *conn) {
	if !c.postponed {
		c.postponed = true
		r.round.turns.add(c.at.from, c.id)
	}
}

// comeBack goes on with a connection that was postponed.
func (r *reactor) comeBack(c *conn) {
	c.postponed = false
	switch {
	case c.closing || c.closed:
	case c.pending.resuming:
		r.resume(c)
	default:
		r.read(c, nil)
	}
}

// keepRest keeps the rest of a read, which aliases the input, until the connection has its turn.
func (r *reactor) keepRest(c *conn, rest []byte) {
	kept := bytebufferpool.Get()
	kept.Write(rest)
	c.partial = putBuffer(c.partial)
	p := &c.pending
	p.kept, p.at, p.seen, p.searched, p.resuming = kept, 0, 0, 0, true
	r.renewAhead(c)
}

// turns are the connections to come back to. Addresses take turns, and the connections of an
// address among themselves, so that nobody gets more by opening more of them.
type turns struct {
	order []auth.AddressKey // that have connections here, the next first
	queue map[auth.AddressKey][]table.ConnID
	n     int
}

func (t *turns) len() int { return t.n }

func (t *turns) add(from auth.AddressKey, id table.ConnID) {
	if t.queue == nil {
		t.queue = make(map[auth.AddressKey][]table.ConnID)
	}
	if len(t.queue[from]) == 0 {
		t.order = append(t.order, from)
	}
	t.queue[from] = append(t.queue[from], id)
	t.n++
}

// next removes and returns the connection whose turn it is. There must be one.
func (t *turns) next() table.ConnID {
	from := t.order[0]
	t.order = t.order[1:]
	ids := t.queue[from]
	id := ids[0]
	if len(ids) == 1 {
		delete(t.queue, from)
	} else {
		t.queue[from] = ids[1:]
		t.order = append(t.order, from)
	}
	t.n--
	return id
}

// Cost of commands for their loop, in units of 100 ns, about a lock command. BenchmarkCosts
// measures the figures, on 2 cores of an AMD EPYC. If a command costs more than it is charged for,
// its sender can starve others. If it costs less, its sender is slowed down.
const (
	roundMax   = 10_000 // of a round: 1 ms, so that heartbeats are read in time
	plainShare = 6_554  // lock commands of a read in addition: more than a full read has
	otherShare = 256    // other commands of a read in addition: 26 µs
	turnsMax   = 5_000  // of all turns in a round
	turnMin    = 256    // of one turn

	costOther     = 3     // a command other than a lock command answered OK, without its reply
	costBad       = 1     // in addition for a malformed one: the search for the one that was meant
	costSubscribe = 20    // in addition for one that changes what events are told
	costAudit     = 40    // in addition for a record of the audit
	costInfo      = 30    // INFO from the cache
	costMake      = 5_000 // making INFO
	costDocs      = 200   // COMMAND DOCS or COMMAND INFO with names
	costRecord    = 4     // records of a listing that count as one
	costDeliver   = 4     // the end of a wait
	costWrite     = 20    // a write to a socket
	costEnd       = 100   // in addition for the end of a connection or of its stream
	costLook      = 1     // a look at a connection of a walk
	costBytes     = 256   // bytes of replies that count as one
)

// verbsCostly can cost much more than a lock command.
var verbsCostly = verbSet(codec.VerbInfo, codec.VerbLocks, codec.VerbCommand)

func (s verbs) has(v codec.Verb) bool { return s&(1<<v) != 0 }
