package bench

import (
	"context"
	"fmt"
	"strconv"

	"dlm/codec"
)

// contender is one of the owners that queue for a lock, over and over.
type contender struct {
	conn      int
	lock      *hotLock
	again     []byte // RELEASE, and ACQUIRE to queue again
	release   []byte
	releasing bool // the reply to RELEASE is due next
	waiting   bool // ACQUIRE is sent and not granted
}

// hotLock is what the generator knows about a lock: since when it is on its way
// from one holder to the next.
type hotLock struct {
	from     *contender // who released it last
	sentNs   int64      // when that RELEASE was sent
	waiters  int        // requests that are sent and not granted
	expected bool       // a waiter was there when it was released
}

// hot is the workload of the same name in progress. An operation is one
// hand-off: RELEASE, the next holder's OK, and that it queues again behind
// the others. Its latency counts from the sending of RELEASE until OK was read
// on another connection.
type hot struct {
	c          *Config
	loop       *loop
	shared     *progress
	contenders []*contender
	rounds     []*Latencies
	active     int // contenders that hold or wait
}

func (r *run) hot(ctx context.Context) error {
	if r.c.Protocol.ours {
		if err := r.pingBeside(ctx, min(r.c.Locks, r.c.Conns)); err != nil {
			return err
		}
	}
	shared := newProgress(r.c)
	l, err := newLoop(shared)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.connect(r.c, r.c.Conns); err != nil {
		return err
	}
	h := newHot(r.c, l, shared)
	cell := r.newCell(1, 0)
	cell.Note = fmt.Sprintf("%d contenders; an operation is one hand-off, which is two commands", r.c.Contenders)
	if err := r.measure(ctx, shared, cell, r.c.Warmup, []func() error{h.run}); err != nil {
		return fmt.Errorf("hot: %w", err)
	}
	for i := range cell.Rounds {
		cell.Rounds[i].Latency = h.rounds[i].Summary()
	}
	r.report.add(cell)
	return nil
}

// pingBeside measures the round trip that a hand-off is compared with: as many
// PINGs under way as locks are handed on.
func (r *run) pingBeside(ctx context.Context, conns int) error {
	c := *r.c
	c.Workload, c.Conns, c.Threads = Ping, conns, 1
	beside := *r
	beside.c = &c
	return beside.streamCell(ctx, 1, 0)
}

func newHot(c *Config, l *loop, shared *progress) *hot {
	h := &hot{c: c, loop: l, shared: shared, active: c.Contenders}
	locks := make([]*hotLock, c.Locks)
	for i := range locks {
		locks[i] = &hotLock{}
	}
	for i := range c.Contenders {
		// Neighbours in a queue are on neighbouring connections, so that a
		// hand-off goes from one connection to another.
		n := i % c.Locks
		var tag []byte
		if c.Contenders > c.Conns {
			tag = []byte("@" + strconv.Itoa(i) + " ")
		}
		k := &contender{conn: (i / c.Locks) % c.Conns, lock: locks[n]}
		if c.Contenders == c.Conns {
			k.conn = i // replies have no tag: each has its own connection
		}
		k.release = c.Protocol.Append(append([]byte{}, tag...), c.request(codec.VerbRelease, n, i))
		acquire := c.request(codec.VerbAcquire, n, i)
		acquire.WaitMs = waitLongMs
		k.again = c.Protocol.Append(append(append([]byte{}, k.release...), tag...), acquire)
		h.contenders = append(h.contenders, k)
	}
	h.rounds = newRounds(c.Rounds)
	l.eachReply(c.Protocol, h.reply)
	l.done = func() bool { return h.active == 0 }
	return h
}

// waitLongMs is a time-out that does not pass within a run.
const waitLongMs = 3_600_000

func (h *hot) run() error {
	for _, k := range h.contenders {
		k.waiting = true
		k.lock.waiters++
		if err := h.loop.socks[k.conn].send(k.again[len(k.release):]); err != nil {
			return err
		}
	}
	return h.loop.run()
}

// reply is the answer to a RELEASE, or a grant.
func (h *hot) reply(conn int, reply []byte, now int64) error {
	k := h.contenders[min(conn, len(h.contenders)-1)]
	rest := reply
	if h.c.Contenders > h.c.Conns {
		tag, after, ok := tagged(reply)
		if !ok || tag < 0 || tag >= len(h.contenders) {
			return wrongReply(reply, "@<tag> OK\n")
		}
		k, rest = h.contenders[tag], after
	}
	v := codec.VerbAcquire
	if k.releasing {
		v = codec.VerbRelease
	}
	if err := h.c.Protocol.Check(v, rest); err != nil {
		return err
	}
	switch {
	case k.releasing:
		k.releasing = false
		if !k.waiting {
			h.active--
		}
		return nil
	case k.waiting:
		return h.granted(k, now)
	}
	return wrongReply(reply, "nothing, since nothing is asked")
}

// granted takes the lock and gives it up at once.
func (h *hot) granted(k *contender, now int64) error {
	lock := k.lock
	k.waiting = false
	lock.waiters--
	if lock.expected {
		h.shared.commands.Add(1)
		if phase := h.shared.phase.Load(); phase > 0 && lock.from.conn != k.conn {
			h.rounds[phase-1].Record(now-lock.sentNs, 1)
		}
	}
	b := k.release
	lock.expected = lock.waiters > 0
	if h.shared.phase.Load() != phaseStop {
		b = k.again
		k.waiting = true
		lock.waiters++
	}
	k.releasing, lock.from = true, k
	lock.sentNs = h.shared.clock()
	return h.loop.socks[k.conn].send(b)
}
