package bench

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"

	"dlm/codec"
)

// churner is one connection after the other: connect, one pair, close. An
// operation is all of that, and its latency too.
type churner struct {
	fd      int
	began   int64
	sent    bool
	request []byte
	wants   []*expectation // of what is answered in turn
	at      int            // which of them is due
	off     int
	replies int
	carry   []byte
	open    bool
}

// churn is the workload in progress, with one churner for each connection.
type churn struct {
	p      *poller
	addr   *net.TCPAddr
	shared *progress
	slots  []*churner
	rounds []*Latencies
	buf    []byte
	open   int
}

func (r *run) churn(ctx context.Context) error {
	addr, err := net.ResolveTCPAddr("tcp", r.c.Server)
	if err != nil {
		return err
	}
	shared := newProgress(r.c)
	p, err := newPoller(shared)
	if err != nil {
		return err
	}
	defer p.close()
	w := &churn{p: p, addr: addr, shared: shared, buf: make([]byte, readLen)}
	defer w.close()
	for i := range r.c.Conns {
		w.slots = append(w.slots, newChurner(r.c, i))
	}
	for range r.c.Rounds {
		w.rounds = append(w.rounds, NewLatencies())
	}
	cell := r.newCell(2, 0)
	cell.Note = "an operation is a connection: connect, ACQUIRE, RELEASE, close"
	if err := r.measure(ctx, w.shared, cell, r.c.Warmup, []func() error{w.run}); err != nil {
		return fmt.Errorf("churn: %w", err)
	}
	for i := range cell.Rounds {
		cell.Rounds[i].Latency = w.rounds[i].Summary()
	}
	r.report.add(cell)
	return nil
}

func newChurner(c *Config, i int) *churner {
	k := &churner{}
	if c.Token != "" {
		k.request = []byte("AUTH " + strconv.Quote(c.Token) + "\n")
		k.wants = append(k.wants, expect(nil, []byte{byte(codec.VerbAuth)}, []string{"OK\n"}))
	}
	acquire, release := codec.VerbAcquire, codec.VerbRelease
	k.request = c.Protocol.Append(k.request, c.request(acquire, i, i))
	k.request = c.Protocol.Append(k.request, c.request(release, i, i))
	k.wants = append(k.wants, expect(c.Protocol, []byte{byte(acquire), byte(release)}, []string{c.answer(acquire), c.answer(release)}))
	return k
}

func (w *churn) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i := range w.slots {
		if err := w.connect(i); err != nil {
			return err
		}
	}
	alive := w.shared.clock()
	for w.open > 0 {
		ready, err := w.p.wait(phaseLook)
		if err != nil {
			return err
		}
		for _, r := range ready {
			if err := w.handle(r); err != nil {
				return err
			}
		}
		if now := w.shared.clock(); len(ready) > 0 {
			alive = now
		} else if now-alive > int64(stallMax) {
			return fmt.Errorf("%w for %v", errStalled, stallMax)
		}
	}
	return nil
}

func (w *churn) connect(i int) (err error) {
	k := w.slots[i]
	k.began, k.sent, k.at, k.off, k.replies, k.carry = w.shared.clock(), false, 0, 0, 0, k.carry[:0]
	if k.fd, err = w.p.connect(w.addr, i); err != nil {
		return err
	}
	k.open = true
	w.open++
	return nil
}

// handle sends once the connection is there, and takes the replies.
func (w *churn) handle(r readiness) error {
	k := w.slots[r.key]
	if r.write && !k.sent {
		n, err := w.p.write(k.fd, k.request)
		if err != nil {
			return err
		}
		if n != len(k.request) {
			return fmt.Errorf("a new connection took %d of %d bytes", n, len(k.request))
		}
		k.sent = true
		return w.p.watch(k.fd, r.key, false)
	}
	if !r.read {
		return nil
	}
	held := copy(w.buf, k.carry)
	n, err := w.p.read(k.fd, w.buf[held:])
	if err != nil {
		return err
	}
	done, err := k.take(w.buf[:held+n])
	if !done || err != nil {
		return err
	}
	return w.next(r.key)
}

// take checks what has arrived; done tells that it was all.
func (k *churner) take(in []byte) (done bool, err error) {
	for len(in) > 0 && k.at < len(k.wants) {
		used, complete, err := k.wants[k.at].match(in, k.off, k.replies)
		if err != nil {
			return false, err
		}
		if used == 0 {
			break
		}
		in = in[used:]
		k.off += used
		if k.replies += complete; k.replies == k.wants[k.at].count {
			k.at, k.off, k.replies = k.at+1, 0, 0
		}
	}
	k.carry = append(k.carry[:0], in...)
	return k.at == len(k.wants), nil
}

// next counts a connection, closes it and begins the next.
func (w *churn) next(i int) error {
	k := w.slots[i]
	w.p.drop(k.fd)
	k.open = false
	w.open--
	w.shared.commands.Add(1)
	phase := w.shared.phase.Load()
	if phase > 0 {
		w.rounds[phase-1].Record(w.shared.clock()-k.began, 1)
	}
	if phase == phaseStop {
		return nil
	}
	return w.connect(i)
}

func (w *churn) close() {
	for _, k := range w.slots {
		if k.open {
			w.p.drop(k.fd)
		}
	}
}
