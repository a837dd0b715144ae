package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"dlm/codec"
)

// contender is one of the owners that queue for a lock, over and over.
type contender struct {
	conn      int
	lock      *hotLock
	release   []byte // with Fence, encoded again at each grant, with its token
	acquire   []byte
	again     []byte         // RELEASE, and ACQUIRE to queue again
	tag       []byte         // of both commands, with a space; empty: none
	command   *codec.Command // RELEASE, to encode it with the token of a grant
	releasing bool           // the reply to RELEASE is due next
	waiting   bool           // ACQUIRE is sent and not granted
}

// hotLock is what the generator knows about a lock: since when it is passed on
// from one holder to the next.
type hotLock struct {
	from     *contender // who released it last
	sentNs   int64      // when that RELEASE was sent
	waiters  int        // requests that are sent and not granted
	expected bool       // a waiter was there when it was released
}

// hot is the workload of the same name in progress. An operation is one
// hand-off: RELEASE, the next holder's OK, and that it queues again after
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
	while := *r
	while.c = &c
	return while.streamCell(ctx, 1, 0)
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
		k.tag, k.command = tag, c.request(codec.VerbRelease, n, i)
		k.release = c.Protocol.Append(slices.Clone(tag), k.command)
		acquire := c.request(codec.VerbAcquire, n, i)
		acquire.WaitMs = waitLongMs
		setTTL(acquire, int(c.TTL.Milliseconds()))
		k.acquire = c.Protocol.Append(slices.Clone(tag), acquire)
		k.again = append(slices.Clone(k.release), k.acquire...)
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
		if err := h.loop.socks[k.conn].send(k.acquire); err != nil {
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
	if err := h.check(v, rest); err != nil {
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
		if h.c.Fence {
			if err := k.show(h.c.Protocol, rest); err != nil {
				return err
			}
		}
		return h.granted(k, now)
	}
	return wrongReply(reply, "nothing, since nothing is asked")
}

// check returns ErrWrongReply if a reply does not say that the verb succeeded.
func (h *hot) check(v codec.Verb, reply []byte) error {
	if h.c.detailed() {
		if !bytes.HasPrefix(reply, []byte("OK token=")) {
			return wrongReply(reply, "OK token=...")
		}
		return nil
	}
	return h.c.Protocol.Check(v, reply)
}

// show puts the token of a grant into the RELEASE that ends it.
func (k *contender) show(p *Protocol, grant []byte) error {
	var r codec.Reply
	codec.ParseReply(grant, k.command.Form, &r)
	token, ok := r.Number("token")
	if !ok {
		return wrongReply(grant, "token=...")
	}
	k.command.Opts |= codec.OptToken
	k.command.Token = codec.Token(token)
	// The kernel has taken the former one, because its reply has come.
	k.again = p.Append(append(k.again[:0], k.tag...), k.command)
	k.release = append(k.release[:0], k.again...)
	k.again = append(k.again, k.acquire...)
	return nil
}

// granted takes the lock and gives it up immediately.
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
