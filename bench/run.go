package bench

import (
	"context"
	"fmt"
	"os"
	"time"
)

// run is one run in progress.
type run struct {
	load   *Load
	name   string // of the workload
	t      *target
	report *Report
}

// Run measures a workload and returns the report. It releases all locks that it holds, also when it
// fails in the middle.
func Run(ctx context.Context, load Load, w Workload) (*Report, error) {
	load.EnsureDefaults()
	w.EnsureDefaults()
	if err := Validate(&load, w); err != nil {
		return nil, err
	}
	t, err := openTarget(&load)
	if err != nil {
		return nil, err
	}
	defer t.close()
	r := &run{load: &load, name: w.Name(), t: t}
	r.report = newReport(&load, r.name)
	defer r.show("")
	err = r.whileHeld(ctx, func() error { return w.run(ctx, r) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return r.report, nil
}

// show shows a line of progress.
func (r *run) show(format string, args ...any) {
	if r.load.Progress != nil {
		r.load.Progress(fmt.Sprintf(format, args...))
	}
}

// measure runs loops through warm-up and rounds, and adds the rounds to the cell. The functions
// return when the phase is stop, or earlier with an error.
func (r *run) measure(ctx context.Context, shared *progress, cell *Cell, loops ...func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, len(loops))
	for _, f := range loops {
		go func() {
			err := f()
			if err != nil {
				cancel(err)
			}
			ended <- err
		}()
	}
	err := r.rounds(ctx, shared, cell)
	shared.phase.Store(phaseStop)
	for range loops {
		if loopErr := <-ended; loopErr != nil {
			err = loopErr
		}
	}
	return err
}

func (r *run) rounds(ctx context.Context, shared *progress, cell *Cell) error {
	if err := r.sleep(ctx, cell, "warm-up", r.load.Warmup); err != nil {
		return err
	}
	for i := range r.load.Rounds {
		before, err := r.allocated(shared)
		if err != nil {
			return err
		}
		from := r.mark(shared)
		shared.phase.Store(int32(i + 1))
		if err := r.sleep(ctx, cell, fmt.Sprintf("round %d of %d", i+1, r.load.Rounds), r.load.Duration); err != nil {
			return err
		}
		shared.phase.Store(phaseWarm)
		round := between(from, r.mark(shared))
		after, err := r.allocated(shared)
		if err != nil {
			return err
		}
		round.Allocs = after.per(before)
		cell.Rounds = append(cell.Rounds, round)
	}
	return nil
}

// sleep waits, and ends early with the context's cause.
func (r *run) sleep(ctx context.Context, cell *Cell, step string, most time.Duration) error {
	r.show("%s: %s", cell.title(), step)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(most):
		return nil
	}
}

// moment is a reading of everything that counts up.
type moment struct {
	ns, commands   int64
	server, client int64 // CPU time in ns
	serverKnown    bool
}

func (r *run) mark(shared *progress) moment {
	m := moment{ns: shared.clock(), commands: shared.commands.Load()}
	m.server, m.serverKnown = CPUOf(r.t.pid)
	m.client, _ = CPUOf(os.Getpid())
	m.client -= shared.idle.Load()
	return m
}

// between makes a round of what has counted up between two moments.
func between(from, to moment) Round {
	ns := float64(to.ns - from.ns)
	round := Round{Seconds: ns / 1e9, Commands: to.commands - from.commands}
	round.PerSecond = float64(round.Commands) / round.Seconds
	round.ClientBusy = max(float64(to.client-from.client), 0) / ns
	if from.serverKnown && to.serverKnown && round.Commands > 0 {
		used := float64(to.server - from.server)
		cpu, busy := used/float64(round.Commands), used/ns
		round.CPU, round.ServerBusy = &cpu, &busy
	}
	return round
}

// allocated is how many objects the server had allocated at a moment of its own: asking takes a
// command, which must not fall between the readings of CPU time.
type allocated struct{ objects, commands int64 }

func (r *run) allocated(shared *progress) (a allocated, err error) {
	a.objects, err = r.t.counted("allocated_objects")
	a.commands = shared.commands.Load()
	return a, err
}

// per returns the objects for each command between two moments; nil: not known.
func (a allocated) per(from allocated) *float64 {
	if from.objects < 0 || a.objects < 0 || a.commands == from.commands {
		return nil
	}
	n := float64(a.objects-from.objects) / float64(a.commands-from.commands)
	return &n
}
