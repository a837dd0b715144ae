package bench

import (
	"context"
	"fmt"

	"dlm/codec"
)

const (
	// sweepConns is how many connections take and release many locks: enough to
	// keep the server busy, few enough for a service each to remember.
	sweepConns = 8
	// sweepDepth is their depth; it is not measured.
	sweepDepth = 256
	// sweepLocks is how many locks are encoded together, which bounds memory.
	sweepLocks = 500_000
	// heldBase is the number of the first held lock, beyond all in use.
	heldBase = 100_000_000
)

// hold takes the locks that are held beside the workload, and accounts for the
// memory that they cost.
func (r *run) hold(ctx context.Context) error {
	if r.c.Held == 0 {
		return nil
	}
	before, err := r.t.usage()
	if err != nil {
		return err
	}
	for r.held < r.c.Held {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n := min(sweepLocks, r.c.Held-r.held)
		if err := r.sweep(codec.VerbAcquire, heldBase+r.held, heldBase+r.held+n); err != nil {
			return fmt.Errorf("hold %d locks: %w", r.c.Held, err)
		}
		r.held += n
		r.status.show("%s of %s locks held", FormatCount(float64(r.held)), FormatCount(float64(r.c.Held)))
	}
	after, err := r.t.usage()
	if err != nil {
		return err
	}
	if before.resident >= 0 && after.resident >= 0 {
		perLock := float64(after.resident-before.resident) / float64(r.c.Held)
		r.report.BytesPerLock = &perLock
	}
	return nil
}

// letGo releases what hold took.
func (r *run) letGo() error {
	for r.held > 0 {
		n := min(sweepLocks, r.held)
		if err := r.sweep(codec.VerbRelease, heldBase+r.held-n, heldBase+r.held); err != nil {
			return fmt.Errorf("release the held locks: %w", err)
		}
		r.held -= n
		r.status.show("%s locks to release", FormatCount(float64(r.held)))
	}
	return nil
}

// sweep sends one command for each lock of a range and waits for all replies.
// It is not interrupted, so that it is known what is held; it takes well under
// a second.
// The services are those of the workload's connections, so that a connection
// can renew what was taken for it.
func (r *run) sweep(v codec.Verb, low, high int) error {
	maker := newStreamMaker(r.c, sweepDepth)
	shared := newProgress(r.c)
	l, err := newStreamLoop(shared, 0)
	if err != nil {
		return err
	}
	defer l.close()
	owners := r.c.Conns
	if low >= heldBase {
		owners = min(owners, sweepConns)
	}
	var streams []*stream
	for i := range owners {
		from, to := share(high-low, owners, i)
		streams = append(streams, maker.sweep(i, v, low+from, low+to))
	}
	if err := l.connect(r.c, streams); err != nil {
		return err
	}
	for _, c := range l.conns {
		c.left = len(c.s.ends)
	}
	return l.run()
}
