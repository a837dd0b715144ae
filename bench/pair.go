package bench

import (
	"context"

	"dlm/codec"
)

// Pair is ACQUIRE and RELEASE of locks of the connection's own.
type Pair struct {
	Paced
	Options
	Locks int  // 10,000 by default
	Apart bool // all ACQUIREs of a batch come before all its RELEASEs
}

func (w *Pair) Name() string { return "pair" }

func (w *Pair) EnsureDefaults() {
	w.Paced.EnsureDefaults()
	or(&w.Locks, 10_000)
}

func (w *Pair) check(l *Load, p *problems) {
	w.Paced.check(p)
	w.Options.check(&w.Stream, p)
	p.ownLocks(w.Locks, l.Conns)
}

// ownLocks checks the number of locks where each connection has locks of its own.
func (p *problems) ownLocks(locks, conns int) {
	p.within("locks", locks, 1, locksMax)
	if locks < conns {
		p.add("locks: %d are fewer than %d connections, which have locks of their own", locks, conns)
	}
}

func (w *Pair) run(ctx context.Context, r *run) error {
	return r.stream(ctx, w.plan())
}

func (w *Pair) plan() *plan {
	return &plan{Stream: w.Stream, Options: w.Options, rates: w.Rates, locks: w.Locks, period: 2, commands: w.commands}
}

// commands has each RELEASE after its ACQUIRE, or with Apart half a batch after it.
func (w *Pair) commands(depth, n int, draw func() int) (cmds []command) {
	if w.Apart && depth%2 == 0 { // an odd batch would end within a pair
		return cycles(depth/2, n, draw, codec.VerbAcquire, codec.VerbRelease)
	}
	return cycles(1, n, draw, codec.VerbAcquire, codec.VerbRelease)
}

// cycles returns n commands: each verb for a run of drawn locks, and the next verb for the same.
func cycles(length, n int, draw func() int, verbs ...codec.Verb) (cmds []command) {
	for len(cmds) < n {
		locks := make([]int, length)
		for i := range locks {
			locks[i] = draw()
		}
		for _, v := range verbs {
			for _, lock := range locks {
				cmds = append(cmds, command{v, lock})
			}
		}
	}
	return cmds
}

// Ping is PING, the cheapest command there is.
type Ping struct{ Paced }

func (w *Ping) Name() string { return "ping" }

func (w *Ping) check(_ *Load, p *problems) { w.Paced.check(p) }

func (w *Ping) run(ctx context.Context, r *run) error { return r.stream(ctx, w.plan(r.load.Conns)) }

func (w *Ping) plan(conns int) *plan {
	return &plan{Stream: w.Stream, rates: w.Rates, period: 1, locks: conns,
		commands: func(_, n int, draw func() int) []command { return cycles(1, n, draw, codec.VerbPing) }}
}
