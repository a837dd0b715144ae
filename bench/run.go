package bench

import (
	"context"
	"fmt"
	"os"
	"time"

	"dlm/codec"
)

// Run measures every cell of a configuration and returns the report. It releases all locks that it
// holds, also when it fails in the middle of a cell.
func Run(ctx context.Context, c Config) (*Report, error) {
	c.EnsureDefaults()
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t, err := openTarget(&c)
	if err != nil {
		return nil, err
	}
	defer t.close()
	r := &run{c: &c, t: t, report: newReport(&c)}
	r.status = newStatusLine(c.Progress)
	defer r.status.clear()
	err = r.hold(ctx)
	if err == nil {
		err = r.cells(ctx)
	}
	if letGo := r.letGo(); err == nil {
		err = letGo
	}
	if err != nil {
		return nil, err
	}
	return r.report, nil
}

// run is one run in progress.
type run struct {
	c      *Config
	t      *target
	report *Report
	status *statusLine
	held   int // locks held beside the workload
}

// cells runs the workload at each depth and rate.
func (r *run) cells(ctx context.Context) error {
	switch kind := r.c.kind(); kind {
	case Hot:
		return r.hot(ctx)
	case Waiters:
		return r.waiters(ctx)
	case Churn:
		return r.churn(ctx)
	}
	rates := r.c.Rates
	if len(rates) == 0 {
		rates = []int{0}
	}
	for _, depth := range r.c.Depths {
		for _, rate := range rates {
			if err := r.streamCell(ctx, depth, rate); err != nil {
				return fmt.Errorf("%s, depth %d: %w", r.c.kind(), depth, err)
			}
		}
	}
	return nil
}

// streamCell measures a stream at one depth, at one rate or as fast as it goes.
func (r *run) streamCell(ctx context.Context, depth, rate int) (err error) {
	maker := newStreamMaker(r.c, depth)
	if r.c.kind() == Renew && !r.c.Floor {
		if err := r.sweep(codec.VerbAcquire, 0, r.c.Locks); err != nil {
			return fmt.Errorf("acquire the locks to renew: %w", err)
		}
		defer func() {
			if letGo := r.sweep(codec.VerbRelease, 0, r.c.Locks); err == nil {
				err = letGo
			}
		}()
		if r.c.Fence {
			if maker.tokens, err = r.t.tokens(r.c.Locks); err != nil {
				return fmt.Errorf("the tokens of the locks to renew: %w", err)
			}
		}
	}
	shared := newProgress(r.c)
	loops, err := r.streamLoops(shared, maker, rate)
	defer closeAll(loops)
	if err != nil {
		return err
	}
	cell := r.newCell(depth, rate)
	err = r.measure(ctx, shared, cell, r.c.Warmup, runners(loops))
	if err != nil {
		return err
	}
	for i := range cell.Rounds {
		all, lag := NewLatencies(), NewLatencies()
		for _, l := range loops {
			all.Merge(l.rounds[i])
			lag.Merge(l.lags[i])
		}
		cell.Rounds[i].Latency = all.Summary()
		if rate > 0 {
			late := lag.Summary()
			cell.Rounds[i].Lag = &late
		}
	}
	r.report.add(cell)
	return nil
}

// streamLoops makes the loops of a cell with their connections open.
func (r *run) streamLoops(shared *progress, maker *streamMaker, rate int) (loops []*streamLoop, err error) {
	n := min(r.c.Threads, r.c.Conns)
	for i := range n {
		low, high := share(r.c.Conns, n, i)
		var streams []*stream
		for conn := low; conn < high; conn++ {
			streams = append(streams, maker.make(conn))
		}
		l, err := newStreamLoop(shared, r.c.Rounds)
		if err != nil {
			return loops, err
		}
		loops = append(loops, l)
		if err := l.connect(r.c, streams); err != nil {
			return loops, err
		}
		if rate > 0 {
			// Each loop keeps its part of the rate.
			p := newPace(shared.clock(), max(rate*(high-low)/r.c.Conns, 1), maker.depth)
			l.pace = &p
		}
	}
	return loops, nil
}

func closeAll(loops []*streamLoop) {
	for _, l := range loops {
		l.close()
	}
}

func runners(loops []*streamLoop) (work []func() error) {
	for _, l := range loops {
		work = append(work, l.run)
	}
	return work
}

func newProgress(c *Config) *progress {
	start := time.Now()
	return &progress{poll: c.Poll, clock: func() int64 { return int64(time.Since(start)) }}
}

// measure runs the loops through warm-up and rounds. Commands and CPU time are
// read at the same moments, and only then.
func (r *run) measure(ctx context.Context, shared *progress, cell *Cell, warmup time.Duration, work []func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, len(work))
	for _, f := range work {
		go func() {
			err := f()
			if err != nil {
				cancel(err)
			}
			ended <- err
		}()
	}
	err := r.rounds(ctx, shared, cell, warmup)
	shared.phase.Store(phaseStop)
	for range work {
		if loopErr := <-ended; loopErr != nil {
			err = loopErr
		}
	}
	return err
}

func (r *run) rounds(ctx context.Context, shared *progress, cell *Cell, warmup time.Duration) error {
	if err := r.sleep(ctx, shared, cell, "warm-up", warmup); err != nil {
		return err
	}
	for i := range r.c.Rounds {
		before, err := r.allocated(shared)
		if err != nil {
			return err
		}
		m := r.mark(shared)
		shared.phase.Store(int32(i + 1))
		if err := r.sleep(ctx, shared, cell, fmt.Sprintf("round %d of %d", i+1, r.c.Rounds), r.c.Duration); err != nil {
			return err
		}
		shared.phase.Store(phaseWarm)
		round := r.since(m, shared)
		after, err := r.allocated(shared)
		if err != nil {
			return err
		}
		round.Allocs = after.per(before)
		cell.Rounds = append(cell.Rounds, round)
	}
	u, err := r.t.usage()
	if err != nil {
		return err
	}
	cell.takeUsage(u)
	return nil
}

// statusEvery is how often the progress line is rewritten.
const statusEvery = 500 * time.Millisecond

// sleep waits, shows how fast it goes, and ends early with the context's cause.
func (r *run) sleep(ctx context.Context, shared *progress, cell *Cell, what string, most time.Duration) error {
	done := time.NewTimer(most)
	defer done.Stop()
	look := time.NewTicker(statusEvery)
	defer look.Stop()
	last, at := shared.commands.Load(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done.C:
			return nil
		case now := <-look.C:
			n := shared.commands.Load()
			perSecond := float64(n-last) / now.Sub(at).Seconds()
			r.status.show("%s, %s: %s commands/s", cell.title(), what, FormatCount(perSecond))
			last, at = n, now
		}
	}
}

// moment is a reading of everything that counts up.
type moment struct {
	ns, commands, server, client int64
	serverKnown                  bool
}

func (r *run) mark(shared *progress) moment {
	m := moment{ns: shared.clock(), commands: shared.commands.Load()}
	m.server, m.serverKnown = CPUOf(r.t.pid)
	m.client, _ = CPUOf(os.Getpid())
	m.client -= shared.idle.Load()
	return m
}

// allocated is how much the server had allocated at a moment of its own: to ask
// it takes a command, which must not fall between the readings of CPU time.
type allocated struct{ objects, commands int64 }

// allocated asks the server, if it is one that tells.
func (r *run) allocated(shared *progress) (allocated, error) {
	a := allocated{objects: -1}
	if !r.t.countsObjects {
		return a, nil
	}
	u, err := r.t.usage()
	a.objects, a.commands = u.objects, shared.commands.Load()
	return a, err
}

// per is the objects for each command between two moments; nil: not known.
func (a allocated) per(from allocated) *float64 {
	if from.objects < 0 || a.objects < 0 || a.commands == from.commands {
		return nil
	}
	n := float64(a.objects-from.objects) / float64(a.commands-from.commands)
	return &n
}

// since makes a round of what has counted up.
func (r *run) since(from moment, shared *progress) Round {
	to := r.mark(shared)
	seconds := float64(to.ns-from.ns) / 1e9
	round := Round{Seconds: seconds, Commands: to.commands - from.commands}
	round.PerSecond = float64(round.Commands) / seconds
	round.ClientBusy = max(float64(to.client-from.client), 0) / float64(to.ns-from.ns)
	if from.serverKnown && to.serverKnown && round.Commands > 0 {
		ns := float64(to.server-from.server) / float64(round.Commands)
		round.CPU = &ns
		busy := float64(to.server-from.server) / float64(to.ns-from.ns)
		round.ServerBusy = &busy
	}
	return round
}
