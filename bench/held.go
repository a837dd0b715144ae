package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dlm/codec"
)

const (
	// sweepConns is how many connections take and release the held locks: enough to keep the server
	// busy, few enough for a service each to remember.
	sweepConns = 8
	// sweepDepth is their depth; it is not measured.
	sweepDepth = 256
	// sweepLocks is how many locks are encoded together, which bounds memory.
	sweepLocks = 500_000
	// heldBase is the number of the first held lock, beyond all in use.
	heldBase = 100_000_000
	// heldTTL is the lease of locks that are held through a run. A run that was killed leaves them
	// for that long.
	heldTTL = time.Hour
)

// whileHeld measures while locks are held, and accounts for the memory that they cost.
func (r *run) whileHeld(ctx context.Context, measure func() error) error {
	if r.load.Held == 0 {
		return measure()
	}
	held, err := r.hold(ctx)
	if err == nil {
		err = measure()
	}
	for held > 0 {
		n := min(sweepLocks, held)
		if _, letGo := r.sweep(codec.VerbRelease, heldBase+held-n, heldBase+held, sweepConns); letGo != nil {
			return errors.Join(err, fmt.Errorf("release the held locks: %w", letGo))
		}
		held -= n
	}
	return err
}

// hold takes the locks and returns how many are held.
func (r *run) hold(ctx context.Context) (held int, err error) {
	before, err := r.t.counted("used_memory_rss")
	if err != nil {
		return 0, err
	}
	for held < r.load.Held {
		if err := context.Cause(ctx); err != nil {
			return held, err
		}
		n := min(sweepLocks, r.load.Held-held)
		if _, err := r.sweep(codec.VerbAcquire, heldBase+held, heldBase+held+n, sweepConns); err != nil {
			return held, fmt.Errorf("hold %d locks: %w", r.load.Held, err)
		}
		held += n
		r.show("%s of %s locks held", FormatCount(float64(held)), FormatCount(float64(r.load.Held)))
	}
	after, err := r.t.counted("used_memory_rss")
	if before >= 0 && after >= 0 {
		perLock := float64(after-before) / float64(held)
		r.report.BytesPerLock = &perLock
	}
	return held, err
}

// sweep sends one command for each lock of a range, and returns the tokens in the replies. Its
// owners are those of the first connections of a workload. It is not interrupted, so that it is
// known which locks are held; it takes well under a second.
func (r *run) sweep(v codec.Verb, low, high, owners int) ([]codec.Token, error) {
	e := newEncoder(r.load, &plan{Stream: Stream{Form: Detail}, Options: Options{TTL: heldTTL}})
	l, err := newLoop(newProgress(false), 0)
	if err != nil {
		return nil, err
	}
	defer l.close()
	for i := range owners {
		from, to := share(high-low, owners, i)
		var cmds []command
		for lock := low + from; lock < low+to; lock++ {
			cmds = append(cmds, command{v, lock})
		}
		if err := l.connect(e, e.batches(i, sweepDepth, cmds)); err != nil {
			return nil, err
		}
		c := l.conns[i]
		c.left = len(c.batches)
	}
	tokens := make([]codec.Token, high-low)
	l.granted = func(c *streamConn, reply int, token uint64) error {
		tokens[c.batches[c.at].locks[reply]-low] = codec.Token(token)
		return nil
	}
	return tokens, l.run()
}
