package bench

import (
	"context"
	"errors"
	"fmt"

	"dlm/codec"
)

// Renew is HEARTBEAT of locks that are held all the time.
type Renew struct {
	Paced
	Options
	Locks int  // 10,000 by default
	Fence bool // each HEARTBEAT shows the token of its hold
}

func (w *Renew) Name() string { return "renew" }

func (w *Renew) EnsureDefaults() {
	w.Paced.EnsureDefaults()
	or(&w.Locks, 10_000)
}

func (w *Renew) check(l *Load, p *problems) {
	w.Paced.check(p)
	w.Options.check(&w.Stream, p)
	p.ownLocks(w.Locks, l.Conns)
}

func (w *Renew) run(ctx context.Context, r *run) (err error) {
	tokens, err := r.sweep(codec.VerbAcquire, 0, w.Locks, r.load.Conns)
	if err != nil {
		return fmt.Errorf("acquire the locks to renew: %w", err)
	}
	defer func() {
		_, letGo := r.sweep(codec.VerbRelease, 0, w.Locks, r.load.Conns)
		err = errors.Join(err, letGo)
	}()
	p := &plan{Stream: w.Stream, Options: w.Options, rates: w.Rates, locks: w.Locks, verbs: []codec.Verb{codec.VerbHeartbeat}}
	if w.Fence {
		p.tokens = tokens
	}
	return r.stream(ctx, p)
}

// Cycle is ACQUIRE, HEARTBEAT and RELEASE of locks of the connection's own, as a client library
// sends them. Each is a batch, because its tokens come with the replies to the one before.
type Cycle struct {
	Stream       // Text becomes Detail
	Options      // of ACQUIRE and HEARTBEAT
	Locks   int  // 10,000 by default
	Fence   bool // each HEARTBEAT and RELEASE shows the token of the grant
}

func (w *Cycle) Name() string { return "cycle" }

func (w *Cycle) EnsureDefaults() {
	w.Stream.EnsureDefaults()
	or(&w.Locks, 10_000)
}

func (w *Cycle) check(l *Load, p *problems) {
	w.Stream.check(p)
	w.Options.check(&w.Stream, p)
	p.ownLocks(w.Locks, l.Conns)
}

func (w *Cycle) run(ctx context.Context, r *run) error { return r.stream(ctx, w.plan()) }

func (w *Cycle) plan() *plan {
	p := &plan{Stream: w.Stream, Options: w.Options, locks: w.Locks, fence: w.Fence,
		verbs:    []codec.Verb{codec.VerbAcquire, codec.VerbHeartbeat, codec.VerbRelease},
		together: func(depth int) int { return depth }}
	p.Form = withTokens(p.Form, true)
	return p
}
