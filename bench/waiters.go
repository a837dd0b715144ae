package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"dlm/codec"
)

const (
	// waitersBatch is how many waiters a connection adds to the queue before it waits for a PONG.
	waitersBatch = 64
	// firstTimeOutMs leaves the time to fill a queue before its first time-out.
	firstTimeOutMs = 2_000
	// timeOutSpreadMs is within which the time-outs of a queue then come.
	timeOutSpreadMs = 1_000
	// dropLook is how often the server is asked whether a queue is empty.
	dropLook = 2 * time.Millisecond
	// stepMax bounds one step.
	stepMax = 5 * time.Minute
)

// The steps, in their order. Each has a cell: its operations are waiters, its time that of the
// step.
const (
	stepEnqueue = "enqueue"  // ACQUIREs with a wait timeout of their own, after a holder
	stepDrop    = "drop"     // their connections close
	stepTimeOut = "time out" // each at its own moment; latency counts from that
	stepHandOff = "hand off" // RELEASE to the next one's OK, through the whole queue
)

// Waiters is one long queue: filled, dropped, timed out, handed through.
type Waiters struct {
	Waiters int // length of the queue; 10,000 by default
}

func (w *Waiters) Name() string { return "waiters" }

func (w *Waiters) EnsureDefaults() { or(&w.Waiters, 10_000) }

func (w *Waiters) check(l *Load, p *problems) {
	p.within("waiters", w.Waiters, 1, min(waitersMax, l.Conns*tagsPerConn))
}

// queue is the workload in progress. Waiter i has tag and service i, and is on connection i %
// conns.
type queue struct {
	r      *run
	lock   string
	n      int
	cells  map[string]*Cell
	conns  []*Client
	clock  func() int64
	queued []int64 // queued[i]: by when waiter i was in the queue
	mu     sync.Mutex
	took   *Latencies // of the present step; guarded by mu
	sentNs int64      // when the last RELEASE was sent; guarded by mu
}

func newQueue(r *run, n int) *queue {
	q := &queue{r: r, lock: r.load.nameOf(0), n: n, clock: newProgress(false).clock, queued: make([]int64, n),
		cells: map[string]*Cell{}}
	for _, step := range []string{stepEnqueue, stepDrop, stepTimeOut, stepHandOff} {
		q.cells[step] = r.newCell(Text, waitersBatch, 1)
		q.cells[step].Step = step
	}
	q.cells[stepEnqueue].Note = fmt.Sprintf("%d waiters on one lock; an operation is a waiter", n)
	return q
}

func (w *Waiters) run(ctx context.Context, r *run) error {
	q := newQueue(r, w.Waiters)
	defer q.close()
	for i := range r.load.Rounds {
		r.show("waiters: round %d of %d", i+1, r.load.Rounds)
		if err := r.t.WantOK(fmt.Sprintf("ACQUIRE %s holder 0 TTL %d", q.lock, heldTTL.Milliseconds())); err != nil {
			return err
		}
		for _, step := range []func() error{q.drop, q.timeOut, q.handOff} {
			err := context.Cause(ctx)
			if err == nil {
				err = step()
			}
			if err != nil {
				_ = r.t.WantOK("RELEASE " + q.lock + " holder") // it may be released already
				return err
			}
		}
	}
	return nil
}

// measured does one step and makes a round of its cell from it.
func (q *queue) measured(step string, work func() error) error {
	q.took = NewLatencies()
	from := q.r.mark(&progress{clock: q.clock})
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	to := q.r.mark(&progress{clock: q.clock})
	to.commands = int64(q.n)
	round := between(from, to)
	round.Latency = q.took.Summary()
	q.cells[step].Rounds = append(q.cells[step].Rounds, round)
	return nil
}

// each calls f for all connections at the same time.
func (q *queue) each(f func(conn int, c *Client) error) (err error) {
	errs := make(chan error, len(q.conns))
	for conn, c := range q.conns {
		go func() { errs <- f(conn, c) }()
	}
	for range q.conns {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (q *queue) close() {
	for _, c := range q.conns {
		c.Close()
	}
	q.conns = nil
}

// open replaces the connections by new ones.
func (q *queue) open() error {
	q.close()
	for range q.r.load.Conns {
		c, err := Dial(q.r.load.Server, q.r.load.Token, talkMax)
		if err != nil {
			return err
		}
		q.conns = append(q.conns, c)
		if err := c.SetDeadline(time.Now().Add(stepMax)); err != nil {
			return err
		}
	}
	return nil
}

// fill enqueues all waiters in batches. A waiter gets no reply, so a PING after each batch shows
// that it was executed.
func (q *queue) fill(timeOutMs func(i int) int) error {
	return q.each(func(conn int, c *Client) error {
		var request []byte
		var batch []int
		for i := conn; i < q.n; i += len(q.conns) {
			cmd := q.r.load.command(codec.VerbAcquire, 0, i)
			cmd.Tag, cmd.WaitMs = strconv.AppendInt(nil, int64(i), 10), uint32(timeOutMs(i))
			request, batch = codec.AppendCommand(request, cmd), append(batch, i)
			if len(batch) < waitersBatch && i+len(q.conns) < q.n {
				continue
			}
			if _, err := c.Write(append(request, "PING\n"...)); err != nil {
				return err
			}
			if err := c.readOK(); err != nil {
				return err
			}
			for _, waiter := range batch {
				q.queued[waiter] = q.clock()
			}
			request, batch = request[:0], batch[:0]
		}
		return nil
	})
}

// refill makes a full queue whose waiters wait for long.
func (q *queue) refill() error { return q.fill(func(i int) int { return waitLongMs + i }) }

// drop fills the queue and closes the connections, which ends the waits.
func (q *queue) drop() error {
	if err := q.open(); err != nil {
		return err
	}
	if err := q.measured(stepEnqueue, q.refill); err != nil {
		return err
	}
	if n, err := q.length(); err != nil || n != q.n {
		return errors.Join(err, fmt.Errorf("%w: %d waiters in the queue, %d were sent", ErrWrongReply, n, q.n))
	}
	return q.measured(stepDrop, func() error {
		q.close()
		for end := time.Now().Add(stepMax); time.Now().Before(end); time.Sleep(dropLook) {
			if n, err := q.length(); err != nil || n == 0 {
				return err
			}
		}
		return fmt.Errorf("the queue of closed connections is not empty after %v", stepMax)
	})
}

// length asks for the number of waiters.
func (q *queue) length() (int, error) {
	line, err := q.r.t.Ask("STATUS " + q.lock)
	if err != nil {
		return 0, err
	}
	var r codec.Reply
	codec.ParseReply([]byte(line+"\n"), codec.FormText, &r)
	n, ok := r.Number("waiters")
	if !ok {
		return 0, wrongReply([]byte(line), "waiters=...")
	}
	return int(n), nil
}

// timeOut fills the queue and waits for each time-out. An early one fails the run. Latency counts
// from when it was due at the latest, because the PING after its batch shows by when it was queued.
func (q *queue) timeOut() error {
	afterMs := func(i int) int { return firstTimeOutMs + q.n/100 + i*timeOutSpreadMs/q.n }
	if err := q.open(); err != nil {
		return err
	}
	began := q.clock()
	if err := q.fill(afterMs); err != nil {
		return err
	}
	// The time until the first is idle, and would only add the ticks of the server.
	time.Sleep(time.Duration(int64(afterMs(0))*int64(time.Millisecond) - (q.clock() - began)))
	return q.measured(stepTimeOut, func() error {
		return q.replies(1, func(_ *Client, waiter int, r *codec.Reply) error {
			dueNs := int64(afterMs(waiter)) * int64(time.Millisecond)
			if waiter < 0 || r.Code != codec.Timeout || q.clock()-began < dueNs {
				return fmt.Errorf("want TIMEOUT after %d ms", afterMs(waiter))
			}
			q.took.Record(q.clock()-q.queued[waiter]-dueNs, 1)
			return nil
		})
	})
}

// handOff fills the queue. Then each waiter that gets the lock releases it.
func (q *queue) handOff() error {
	if err := errors.Join(q.open(), q.refill()); err != nil {
		return err
	}
	q.sentNs = q.clock()
	return q.measured(stepHandOff, func() error {
		if err := q.r.t.WantOK("RELEASE " + q.lock + " holder"); err != nil {
			return err
		}
		return q.replies(2, func(c *Client, waiter int, r *codec.Reply) error {
			if r.Kind != codec.ReplyOK {
				return errors.New("want OK")
			}
			if waiter < 0 { // the answer to RELEASE
				return nil
			}
			q.took.Record(q.clock()-q.sentNs, 1)
			q.sentNs = q.clock()
			_, err := c.Write([]byte("RELEASE " + q.lock + " " + serviceOf(waiter) + "\n"))
			return err
		})
	})
}

// replies calls take with so many replies for each waiter, under the lock of q. The waiter is -1
// for a reply without a tag.
func (q *queue) replies(perWaiter int, take func(c *Client, waiter int, r *codec.Reply) error) error {
	return q.each(func(conn int, c *Client) error {
		for range perWaiter * ((q.n - conn + len(q.conns) - 1) / len(q.conns)) {
			line, err := c.In.ReadSlice('\n')
			if err != nil {
				return err
			}
			var r codec.Reply
			codec.ParseReply(line, codec.FormText, &r)
			waiter, err := strconv.Atoi(string(r.Tag))
			if err != nil || waiter >= q.n {
				waiter = -1
			}
			q.mu.Lock()
			err = take(c, waiter, &r)
			q.mu.Unlock()
			if err != nil {
				return fmt.Errorf("%w: waiter %d: %w", wrongReply(line, "another"), waiter, err)
			}
		}
		return nil
	})
}
