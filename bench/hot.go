package bench

import (
	"context"
	"fmt"
	"time"

	"dlm/codec"
)

// Hot is an owner on each connection, which queue for few locks, over and over. Latency is that of
// hand-offs: from the sending of a RELEASE until the OK of the next holder was read.
type Hot struct {
	Form  string        // Text by default
	TTL   time.Duration // a TTL in each ACQUIRE; 0: none
	Fence bool          // each RELEASE shows the token of its grant; Text becomes Detail
	Locks int           // 4 by default
}

func (w *Hot) Name() string { return "hot" }

func (w *Hot) EnsureDefaults() {
	or(&w.Form, Text)
	or(&w.Locks, 4)
}

func (w *Hot) check(_ *Load, p *problems) {
	p.form(w.Form)
	p.ttl(w.TTL)
	p.within("locks", w.Locks, 1, locksMax)
}

// waitLongMs is a wait timeout that does not pass within a run.
const waitLongMs = 3_600_000

// handOffs is the view of the generator on a lock that is passed on from one holder to the next.
type handOffs struct {
	sentNs   int64 // when the last RELEASE was sent
	waiters  int   // ACQUIREs that are sent and not granted
	expected bool  // a waiter was there when it was released
}

func (w *Hot) run(ctx context.Context, r *run) error {
	if r.load.Protocol == nil {
		if err := r.pingBeside(ctx, min(w.Locks, r.load.Conns)); err != nil {
			return err
		}
	}
	if err := r.streamCell(ctx, w.plan(r.load.Conns), 1, 0); err != nil {
		return err
	}
	r.report.Cells[len(r.report.Cells)-1].Note = fmt.Sprintf(
		"%d owners; latency is from RELEASE to the grant of the next holder", r.load.Conns)
	return nil
}

func (w *Hot) plan(conns int) *plan {
	lockOf := func(conn int) int { return conn % w.Locks }
	locks := make([]handOffs, w.Locks)
	for conn := range conns {
		locks[lockOf(conn)].waiters++
	}
	p := &plan{Stream: Stream{Form: withTokens(w.Form, w.Fence), Threads: 1}, Options: Options{TTL: w.TTL}, locks: w.Locks,
		waitMs: waitLongMs, verbs: []codec.Verb{codec.VerbAcquire, codec.VerbRelease}, fence: w.Fence,
		draw: func(conn int) func() int { return func() int { return lockOf(conn) } }}
	p.latency = func(l *loop, c *streamConn, now int64) int64 { return locks[lockOf(c.key)].next(l, c.at%2 == 0, now) }
	return p
}

// next notes the answer to an ACQUIRE, or to a RELEASE after which its owner queues again. It
// returns the latency of a hand-off, and -1 if there was none.
func (h *handOffs) next(l *loop, granted bool, now int64) int64 {
	if !granted {
		if !l.stop {
			h.waiters++
		}
		return -1
	}
	took := int64(-1)
	if h.expected {
		took = now - h.sentNs
	}
	h.waiters--
	h.expected = h.waiters > 0
	h.sentNs = l.shared.clock() // the RELEASE is sent next
	return took
}

// pingBeside measures the round trip that a hand-off is compared with: as many PINGs under way as
// locks are handed on.
func (r *run) pingBeside(ctx context.Context, conns int) error {
	load, ping, while := *r.load, &Ping{}, *r
	load.Conns = conns
	while.load, while.name = &load, ping.Name()
	ping.EnsureDefaults()
	return while.streamCell(ctx, ping.plan(conns), 1, 0)
}
