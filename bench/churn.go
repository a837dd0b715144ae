package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"dlm/codec"
)

// churner is one connection after the other: connect, one pair, close. An
// operation is all of that, and its latency too.
type churner struct {
	answers
	request []byte
	began   int64
}

// churn is the workload in progress, with one churner for each connection.
type churn struct {
	*loop
	addr   *net.TCPAddr
	slots  []*churner
	rounds []*Latencies
	open   int
}

func (r *run) churn(ctx context.Context) error {
	addr, err := net.ResolveTCPAddr("tcp", r.c.Server)
	if err != nil {
		return err
	}
	l, err := newLoop(newProgress(r.c))
	if err != nil {
		return err
	}
	w := &churn{loop: l, addr: addr, rounds: newRounds(r.c.Rounds), open: r.c.Conns}
	l.received, l.done = w.take, func() bool { return w.open == 0 }
	defer l.close()
	for i := range r.c.Conns {
		w.slots = append(w.slots, newChurner(r.c, i))
		w.socks = append(w.socks, &socket{p: l.p, key: i, fd: -1})
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
	for i := range w.slots {
		if err := w.connect(i); err != nil {
			return err
		}
	}
	return w.loop.run()
}

// connect begins a connection. The loop sends the request once the connection is writable.
func (w *churn) connect(i int) (err error) {
	k, s := w.slots[i], w.socks[i]
	k.began = w.shared.clock()
	s.unsent, s.armed = k.request, true
	s.fd, err = w.p.connect(w.addr, i)
	return err
}

// take checks what has arrived, and begins the next connection after the last reply.
func (w *churn) take(conn int, in []byte, _ int64) (rest []byte, err error) {
	k := w.slots[conn]
	for len(in) > 0 {
		used, _, whole, err := k.answers.take(in)
		if used == 0 || err != nil {
			return in, err
		}
		in = in[used:]
		if whole && k.at == 0 {
			return nil, w.next(conn)
		}
	}
	return in, nil
}

// next counts a connection, closes it and begins the next.
func (w *churn) next(i int) error {
	s := w.socks[i]
	s.close()
	s.fd = -1
	w.shared.commands.Add(1)
	phase := w.shared.phase.Load()
	if phase > 0 {
		w.rounds[phase-1].Record(w.shared.clock()-w.slots[i].began, 1)
	}
	if phase == phaseStop {
		w.open--
		return nil
	}
	return w.connect(i)
}
