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
	p := &plan{Stream: w.Stream, Options: w.Options, rates: w.Rates, locks: w.Locks, period: 1,
		commands: func(_, n int, draw func() int) []command { return cycles(1, n, draw, codec.VerbHeartbeat) }}
	if w.Fence {
		p.token = func(c command) codec.Token { return tokens[c.lock] }
	}
	return r.stream(ctx, p)
}

// Cycle is ACQUIRE, HEARTBEAT and RELEASE of locks of the connection's own, as a client library
// sends them. Each is a batch, because its tokens come with the replies to the one before. Text
// becomes Detail.
type Cycle struct {
	Stream
	Options
	Locks int  // 10,000 by default
	Fence bool // each HEARTBEAT and RELEASE shows the token of the grant
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
	p := &plan{Stream: w.Stream, Options: w.Options, locks: w.Locks, period: 3}
	p.Form = withTokens(p.Form, true)
	p.commands = func(depth, n int, draw func() int) []command {
		return cycles(depth, n, draw, codec.VerbAcquire, codec.VerbHeartbeat, codec.VerbRelease)
	}
	if w.Fence {
		p.token = func(c command) codec.Token {
			if c.verb == codec.VerbAcquire {
				return 0
			}
			return tokenToCome
		}
		p.granted = showToken
	}
	return p
}

// withTokens returns a form in which a grant tells its token, if that is wanted.
func withTokens(form string, wanted bool) string {
	if wanted && form == Text {
		return Detail
	}
	return form
}

// showToken writes the token of a grant into the HEARTBEAT and the RELEASE of its lock.
func showToken(c *streamConn, reply int, token uint64) error {
	if c.at%3 > 0 {
		return nil
	}
	for _, b := range c.batches[c.at+1 : c.at+3] {
		if !b.setToken(reply, token) {
			return fmt.Errorf("%w: token %d has not %d digits", ErrWrongReply, token, len(tokenDigits))
		}
	}
	return nil
}
