package bench

import (
	"context"
	"fmt"
	"time"

	"dlm/codec"
)

// Hot is an owner on each connection, which queue for few locks, over and over. An operation is one
// hand-off: RELEASE, the next holder's OK, and that it queues again after the others. Its latency
// counts from the sending of RELEASE until OK was read on another connection.
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

// contender is the owner on a connection.
type contender struct {
	lock             *hotLock
	acquire, release *codec.Command
	buf              []byte // of the requests that were sent last
	releasing        bool   // the reply to RELEASE is due next
	waiting          bool   // ACQUIRE is sent and not granted
}

// hotLock is the view of the generator on a lock that is passed on from one holder to the next.
type hotLock struct {
	sentNs   int64 // when that RELEASE was sent
	waiters  int   // requests that are sent and not granted
	expected bool  // a waiter was there when it was released
}

// hot is the workload in progress.
type hot struct {
	*loop
	w          *Hot
	p          *Protocol
	contenders []*contender
	rounds     []*Latencies
	active     int // contenders that hold or wait
}

func (w *Hot) run(ctx context.Context, r *run) error {
	if r.load.Protocol == nil {
		if err := r.pingBeside(ctx, min(w.Locks, r.load.Conns)); err != nil {
			return err
		}
	}
	l, err := newLoop(newProgress(r.load.Poll))
	if err != nil {
		return err
	}
	defer l.close()
	h := newHot(r.load, w, l)
	if err := l.connect(r.load, h.p, r.load.Conns); err != nil {
		return err
	}
	cell := r.newCell(h.p.Name, 1, w.Locks)
	cell.Note = fmt.Sprintf("%d owners; an operation is one hand-off, which is two commands", r.load.Conns)
	err = r.measure(ctx, l.shared, cell, h.run)
	cell.takeLatencies(h.rounds)
	return err
}

// pingBeside measures the round trip that a hand-off is compared with: as many PINGs under way as
// locks are handed on.
func (r *run) pingBeside(ctx context.Context, conns int) error {
	load, ping, while := *r.load, &Ping{}, *r
	load.Conns = conns
	while.load, while.name = &load, ping.Name()
	ping.Depths = []int{1}
	ping.EnsureDefaults()
	return ping.run(ctx, &while)
}

func newHot(load *Load, w *Hot, l *loop) *hot {
	h := &hot{loop: l, w: w, p: load.protocol(withTokens(w.Form, w.Fence)), rounds: newRounds(load.Rounds), active: load.Conns}
	locks := make([]hotLock, w.Locks)
	for i := range load.Conns {
		n := i % w.Locks
		k := &contender{lock: &locks[n], acquire: load.command(codec.VerbAcquire, n, i),
			release: load.command(codec.VerbRelease, n, i)}
		k.acquire.WaitMs = waitLongMs
		setTTL(k.acquire, w.TTL)
		h.contenders = append(h.contenders, k)
	}
	l.received = h.read
	l.done = func() bool { return h.active == 0 }
	return h
}

// waitLongMs is a wait timeout that does not pass within a run.
const waitLongMs = 3_600_000

func (h *hot) run() error {
	for conn, k := range h.contenders {
		if err := h.send(conn, k.queue(h.p, nil)); err != nil {
			return err
		}
	}
	return h.loop.run()
}

// queue appends an ACQUIRE, which will wait.
func (k *contender) queue(p *Protocol, dst []byte) []byte {
	k.waiting = true
	k.lock.waiters++
	return p.Append(dst, k.acquire)
}

// send sends requests. The kernel has taken the former ones, because their replies have come.
func (h *hot) send(conn int, requests []byte) error {
	h.contenders[conn].buf = requests
	return h.socks[conn].send(requests)
}

// read takes the answers to RELEASEs, and grants.
func (h *hot) read(conn int, in []byte, now int64) (rest []byte, err error) {
	k := h.contenders[conn]
	for len(in) > 0 {
		v := codec.VerbAcquire
		if k.releasing {
			v = codec.VerbRelease
		}
		want := h.p.Answer(v)
		n, token := want.Match(in)
		switch {
		case n == 0:
			return in, nil
		case n < 0 || !k.releasing && !k.waiting:
			return nil, wrongReply(in, want.String())
		case k.releasing:
			k.releasing = false
			if !k.waiting {
				h.active--
			}
		default:
			if h.w.Fence {
				k.release.Opts, k.release.Token = codec.OptToken, codec.Token(token)
			}
			if err := h.granted(conn, now); err != nil {
				return nil, err
			}
		}
		in = in[n:]
	}
	return nil, nil
}

// granted takes the lock, gives it up and queues again after the others.
func (h *hot) granted(conn int, now int64) error {
	k, phase := h.contenders[conn], h.shared.phase.Load()
	lock := k.lock
	k.waiting = false
	lock.waiters--
	if lock.expected {
		h.shared.commands.Add(1)
		if phase > 0 {
			h.rounds[phase-1].Record(now-lock.sentNs, 1)
		}
	}
	lock.expected = lock.waiters > 0
	k.releasing = true
	requests := h.p.Append(k.buf[:0], k.release)
	if phase != phaseStop {
		requests = k.queue(h.p, requests)
	}
	lock.sentNs = h.shared.clock()
	return h.send(conn, requests)
}
