package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// ErrNotBackup is returned by Promote on a server that follows nobody.
var ErrNotBackup = errors.New("this server is no backup")

// ErrStopping is returned by Depose on a server that stops for another reason.
var ErrStopping = errors.New("this server is stopping by itself")

// PromoteRequest says how a backup is to become the primary.
type PromoteRequest struct {
	// OldIsDead leaves out the question to the old primary: exclusion holds only if it is true.
	OldIsDead bool
	// Token is that of the admin who wants it, for the old primary. Empty: none.
	Token string
	// Wait bounds how long the old primary is asked to stop. 0: PromoteWait.
	Wait time.Duration
	// Progress is called with a line on what is waited for, never by two goroutines at once,
	// and not after Promote has returned. Nil: nobody is told.
	Progress func(line string)
}

// PromoteWait is how long a primary gets to stop and to write its last image, unless a
// PromoteRequest says otherwise. A primary that runs with the default StopWait has stopped, or
// failed to, after 25 s.
const PromoteWait = time.Minute

// Promote makes a backup the primary: it stops the old one, which must confirm
// that, or be certainly gone. It returns a line on what is served from now on.
func (e *Engine) Promote(ctx context.Context, how PromoteRequest) (string, error) {
	if !e.promoting.TryLock() {
		if how.Progress != nil {
			how.Progress("another promotion is under way: this one waits for its end")
		}
		e.promoting.Lock()
	}
	defer e.promoting.Unlock()
	f := e.follower.Load()
	if f == nil {
		return "", ErrNotBackup
	}
	if e.served.Load().from == "" {
		return "", errors.New("this backup has no image yet: there is nothing to promote")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.runCtx, cancel)() // a server that stops gives up
	last := ""
	if !how.OldIsDead {
		var err error
		if last, err = e.stopPrimary(ctx, f, how); err != nil {
			return "", err
		}
	}
	f.stop()
	<-f.stopped
	if last != "" {
		if err := f.step(ctx); err != nil {
			e.cfg.Log.Warn("promotion without the last image of the primary", "error", err.Error())
		}
	}
	rec, err := recoverFrom(&e.cfg, f.dir, &durability.Promotion{Now: e.clock.Now(), Last: last})
	if err != nil {
		// Nobody serves now: better a backup that can be promoted again.
		e.follow(f)
		return "", fmt.Errorf("promotion: %w", err)
	}
	if late := e.clock.Now() - rec.begun; late > 0 {
		e.cfg.Log.Warn("the image took long to load: leases are shorter by so much", "by", time.Duration(late))
	}
	if e.runCtx.Err() != nil {
		return "", errors.New("promotion: the server is stopping")
	}
	rec.table.SharePauses(e.clock.Pauses())
	m := &imager{e: e, rec: rec}
	e.imager.Store(m)
	e.served.Store(rec)
	e.follower.Store(nil)
	e.background(m.run)
	line := e.Durability()
	e.cfg.Log.Warn("promoted: this server is the primary now", "durability", line)
	return line, nil
}

// follow starts the goroutine "follower".
func (e *Engine) follow(f *follower) {
	ctx, cancel := context.WithCancel(context.Background())
	f.stop, f.stopped = cancel, make(chan struct{})
	e.background(func(outer context.Context) {
		defer context.AfterFunc(outer, cancel)()
		f.run(ctx)
	})
}

// Depose stops the server for good, since a backup takes over: its directory is
// marked so that it does not start again as a primary. Only one backup may: taker
// is its Lineage, or empty, if somebody asks by hand. It returns the name of the last image when that is on disk.
func (e *Engine) Depose(ctx context.Context, taker string) (last string, err error) {
	var by snapshot.Lineage
	if taker != "" {
		if by, err = snapshot.ParseLineage(taker); err != nil {
			return "", fmt.Errorf("%s: %w", HeaderBackup, err)
		}
	}
	switch {
	case e.follower.Load() != nil:
		return "", errors.New("this server is a backup itself: ask its primary")
	case e.imager.Load() == nil:
		return "", errors.New("this server keeps no images: it has nothing to hand over")
	case !e.taker.CompareAndSwap(nil, &by) && *e.taker.Load() != by:
		return "", errors.New("another backup takes over from this server already")
	}
	e.deposeOnce.Do(func() { close(e.deposed) })
	select {
	case <-e.ended:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	switch {
	case e.endErr != nil:
		return "", e.endErr
	case !e.handedOver: // it was stopping already
		return "", fmt.Errorf("%w: promote again", ErrStopping)
	}
	s, _ := e.ImageState()
	return snapshot.Name(s.Path), nil
}

// WaitDeposed waits until a backup has had time to fetch the last image, if the
// server was deposed. It returns at once otherwise.
func (e *Engine) WaitDeposed(fetched <-chan struct{}) {
	select {
	case <-e.deposed:
	default:
		return
	}
	select {
	case <-fetched:
	case <-time.After(deposedLinger):
	}
}

const deposedLinger = 15 * time.Second
