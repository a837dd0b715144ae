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

func (w *Pair) run(ctx context.Context, r *run) error { return r.stream(ctx, w.plan()) }

func (w *Pair) plan() *plan {
	return &plan{Stream: w.Stream, Options: w.Options, rates: w.Rates, locks: w.Locks,
		verbs: []codec.Verb{codec.VerbAcquire, codec.VerbRelease},
		together: func(depth int) int {
			if w.Apart && depth%2 == 0 { // an odd batch would end within a pair
				return depth / 2
			}
			return 1
		}}
}

// Ping is PING, the cheapest command there is.
type Ping struct{ Paced }

func (w *Ping) Name() string { return "ping" }

func (w *Ping) check(_ *Load, p *problems) { w.Paced.check(p) }

func (w *Ping) run(ctx context.Context, r *run) error { return r.stream(ctx, w.plan(r.load.Conns)) }

func (w *Ping) plan(conns int) *plan {
	return &plan{Stream: w.Stream, rates: w.Rates, locks: conns, verbs: []codec.Verb{codec.VerbPing}}
}
