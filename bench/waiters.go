package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dlm/codec"
)

const (
	// firstTimeOutMs leaves the time to fill a queue before its first time-out.
	firstTimeOutMs = 2_000
	// timeOutSpreadMs is within which the time-outs of a queue then come.
	timeOutSpreadMs = 1_000
	// dropLook is how often the server is asked whether a queue is empty.
	dropLook = 2 * time.Millisecond
)

// waiters is the workload of one long queue. Each step has a cell: its
// operations are waiters, its time that of the step.
type waiters struct {
	r    *run
	lock string
	// Waiter i has tag and service i, and is on connection i % conns.
	cells map[string]*Cell
	steps []string
}

const (
	stepEnqueue = "enqueue"  // ACQUIREs with a time-out of their own, after a holder
	stepDrop    = "drop"     // their connections close
	stepTimeOut = "time out" // each at its own moment; latency counts from that
	stepHandOff = "hand off" // RELEASE to the next one's OK, through the whole queue
)

func (r *run) waiters(ctx context.Context) (err error) {
	w := &waiters{r: r, lock: r.c.nameOf(0), cells: map[string]*Cell{},
		steps: []string{stepEnqueue, stepDrop, stepTimeOut, stepHandOff}}
	for _, step := range w.steps {
		c := r.newCell(r.c.Depths[0], 0)
		c.Step, c.Locks = step, 1
		w.cells[step] = c
	}
	w.cells[stepEnqueue].Note = fmt.Sprintf("%d waiters on one lock; an operation is a waiter", r.c.Waiters)
	for i := range r.c.Rounds {
		r.status.show("waiters: round %d of %d", i+1, r.c.Rounds)
		if err := w.round(ctx); err != nil {
			return fmt.Errorf("waiters: %w", err)
		}
	}
	for _, step := range w.steps {
		r.report.add(w.cells[step])
	}
	return nil
}

// round goes through all steps. The holder is on the connection of the target.
func (w *waiters) round(ctx context.Context) (err error) {
	if err := w.r.t.WantOK(fmt.Sprintf("ACQUIRE %s holder 0 TTL %d", w.lock, heldTTLMs)); err != nil {
		return err
	}
	held := true
	defer func() {
		if held {
			err = errors.Join(err, w.r.t.WantOK("RELEASE "+w.lock+" holder"))
		}
	}()
	if err := w.drop(); err != nil {
		return err
	}
	if err := w.timeOut(); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	held = false // the hand-offs begin with its release
	return w.handOff()
}

// fill enqueues all waiters in batches of depth. A PING after each batch
// tells that it was executed, since a waiter gets no reply.
func (w *waiters) fill(shared *progress, timeOutMs func(i int) int) (*streamLoop, error) {
	c := w.r.c
	streams := make([]*stream, c.Conns)
	barrier := expect(c.Protocol, []byte{byte(codec.VerbPing)}, []string{"OK\n"})
	for conn := range streams {
		s := &stream{period: 1}
		n := 0
		for i := conn; i < c.Waiters; i += c.Conns {
			tag := strconv.Itoa(i)
			s.data = append(s.data, "@"+tag+" ACQUIRE "+w.lock+" "+serviceOf(i)+" "+strconv.Itoa(timeOutMs(i))+"\n"...)
			if n++; n%c.Depths[0] == 0 || i+c.Conns >= c.Waiters {
				s.data = append(s.data, "PING\n"...)
				s.ends = append(s.ends, len(s.data))
				s.wants = append(s.wants, barrier)
			}
		}
		streams[conn] = s
	}
	l, err := newStreamLoop(shared, 0)
	if err != nil {
		return nil, err
	}
	if err := l.connect(c, streams); err != nil {
		l.close()
		return nil, err
	}
	for _, conn := range l.conns {
		conn.left = len(conn.s.ends)
		conn.times = make([]int64, len(conn.s.ends))
	}
	return l, nil
}

// measured runs one step and makes a round of its cell from it.
func (w *waiters) measured(step string, shared *progress, work func() error) error {
	from := w.r.mark(shared)
	from.commands = 0
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	shared.commands.Store(int64(w.r.c.Waiters))
	cell := w.cells[step]
	cell.Rounds = append(cell.Rounds, w.r.since(from, shared))
	u, err := w.r.t.usage()
	cell.takeUsage(u)
	return err
}

// drop fills the queue and closes the connections, which ends the waits.
func (w *waiters) drop() error {
	shared := newProgress(w.r.c)
	l, err := w.fill(shared, func(i int) int { return waitLongMs + i })
	if err != nil {
		return err
	}
	err = w.measured(stepEnqueue, shared, l.run)
	if err == nil {
		err = w.wantWaiters(w.r.c.Waiters)
	}
	if err != nil {
		l.close()
		return err
	}
	return w.measured(stepDrop, shared, func() error {
		l.close()
		return w.untilEmpty()
	})
}

// untilEmpty asks until nobody waits for the lock.
func (w *waiters) untilEmpty() error {
	for end := time.Now().Add(stepMax); time.Now().Before(end); time.Sleep(dropLook) {
		n, err := w.queueLen()
		if err != nil || n == 0 {
			return err
		}
	}
	return fmt.Errorf("the queue of closed connections is not empty after %v", stepMax)
}

func (w *waiters) wantWaiters(want int) error {
	n, err := w.queueLen()
	if err == nil && n != want {
		err = fmt.Errorf("%w: %d waiters in the queue, %d were sent", ErrWrongReply, n, want)
	}
	return err
}

func (w *waiters) queueLen() (int, error) {
	reply, err := w.r.t.Ask("STATUS " + w.lock)
	if err != nil {
		return 0, err
	}
	for _, field := range strings.Fields(reply) {
		if n, ok := strings.CutPrefix(field, "waiters="); ok {
			return strconv.Atoi(n)
		}
	}
	return 0, wrongReply([]byte(reply), "waiters=...")
}

// lines makes the loop of a filled queue call reply with each line until left is zero.
func (w *waiters) lines(l *streamLoop, left *int, reply func(conn int, reply []byte, now int64) error) *loop {
	l.eachReply(w.r.c.Protocol, reply)
	l.patience, l.turn = nil, nil
	l.done = func() bool { return *left == 0 }
	return l.loop
}

// timeOut fills the queue and waits for each time-out. One that is answered
// too early fails the run. Latency counts from when it was due at the latest:
// the PING after its batch tells by when it was in the queue.
func (w *waiters) timeOut() error {
	shared := newProgress(w.r.c)
	n := w.r.c.Waiters
	after := func(i int) int { return firstTimeOutMs + n/100 + i*timeOutSpreadMs/n }
	l, err := w.fill(shared, after)
	if err != nil {
		return err
	}
	defer l.close()
	began := shared.clock()
	if err := l.run(); err != nil {
		return err
	}
	filled := shared.clock()
	left, late := n, NewLatencies()
	lines := w.lines(l, &left, func(_ int, reply []byte, now int64) error {
		tag, rest, ok := tagged(reply)
		if !ok || tag < 0 || tag >= n || !strings.HasPrefix(string(rest), "ERROR TIMEOUT ") {
			return wrongReply(reply, "@<tag> ERROR TIMEOUT ...")
		}
		dueNs := int64(after(tag)) * int64(time.Millisecond)
		if now-began < dueNs {
			return fmt.Errorf("%w: answered before its time-out of %d ms: %q", ErrWrongReply, after(tag), reply)
		}
		c := w.r.c
		queued := l.conns[tag%c.Conns].times[tag/c.Conns/c.Depths[0]]
		late.Record(now-queued-dueNs, 1)
		left--
		return nil
	})
	// The time until the first is idle, and would only add the server's ticks.
	time.Sleep(time.Duration(int64(after(0))*int64(time.Millisecond) - (filled - began)))
	err = w.measured(stepTimeOut, shared, lines.run)
	if err == nil {
		w.lastRound(stepTimeOut).Latency = late.Summary()
	}
	return err
}

func (w *waiters) lastRound(step string) *Round {
	rounds := w.cells[step].Rounds
	return &rounds[len(rounds)-1]
}

// handOff fills the queue, and then each one that gets the lock releases it.
func (w *waiters) handOff() error {
	shared := newProgress(w.r.c)
	l, err := w.fill(shared, func(i int) int { return waitLongMs + i })
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.run(); err != nil {
		return err
	}
	n := w.r.c.Waiters
	granted, left, took := 0, n, NewLatencies()
	sent := shared.clock()
	lines := w.lines(l, &left, func(conn int, reply []byte, now int64) error {
		tag, rest, ok := tagged(reply)
		switch {
		case !ok && string(rest) == "OK\n" && n-left < granted:
			left--
			return nil
		case !ok || string(rest) != "OK\n" || tag < 0 || tag >= n:
			return wrongReply(reply, "@<tag> OK\n")
		}
		took.Record(now-sent, 1)
		granted++
		request := []byte("RELEASE " + w.lock + " " + serviceOf(tag) + "\n")
		sent = shared.clock()
		return l.socks[conn].send(request)
	})
	err = w.measured(stepHandOff, shared, func() error {
		if err := w.r.t.WantOK("RELEASE " + w.lock + " holder"); err != nil {
			return err
		}
		return lines.run()
	})
	if err == nil {
		w.lastRound(stepHandOff).Latency = took.Summary()
	}
	return err
}
