package durability

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNotBackup is returned by Promote on a server that follows nobody.
var ErrNotBackup = errors.New("this server is no backup")

// PromoteRequest says how a backup is to become the primary.
type PromoteRequest struct {
	// OldIsDead leaves out the question to the old primary. If it is not true, locks are held
	// twice.
	OldIsDead bool
	// Token is that of the admin who wants it, for the old primary. Empty: none.
	Token string
	// Wait bounds how long the old primary is asked to stop. 0: PromoteWait.
	Wait time.Duration
	// Progress, if not nil, is called with a line on each wait. Two calls never overlap, and none
	// comes after Promote has returned.
	Progress func(line string)
}

// PromoteWait is how long a primary gets to stop and to write its last image, unless a
// PromoteRequest says otherwise. A primary that runs with the default StopWait has stopped, or
// failed to, after 25 s.
const PromoteWait = time.Minute

// Promote makes a backup the primary. The old primary must confirm that it has stopped, or be
// certainly gone. Promote returns a line on the table that is served from now on.
func (s *Store) Promote(ctx context.Context, how PromoteRequest) (string, error) {
	if !s.promoting.TryLock() {
		if how.Progress != nil {
			how.Progress("another promotion is running: this one waits until it ends")
		}
		s.promoting.Lock()
	}
	defer s.promoting.Unlock()
	f := s.follower.Load()
	if f == nil {
		return "", ErrNotBackup
	}
	if s.State().WithoutImage() {
		return "", errors.New("this backup has no image yet: there is nothing to promote")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() // a server that stops gives up
	last := ""
	if !how.OldIsDead {
		var err error
		if last, err = s.stopPrimary(ctx, f, how); err != nil {
			return "", err
		}
	}
	if last == "" {
		f.halt()
	} else if err := f.fetchLast(ctx, last); err != nil {
		s.cfg.Log.Warn("promotion without the last image of the primary", "event", "promoted-without-last-image", "error", err.Error())
	}
	next, err := recoverFrom(&s.cfg, s.State().dir, &Promotion{Now: s.clock.Now(), Last: last})
	if err != nil {
		// Now nobody serves. A backup that can be promoted again is better than none.
		s.follow(f)
		return "", fmt.Errorf("promotion: %w", err)
	}
	if late := s.clock.Now() - next.begun; late > 0 {
		s.cfg.Log.Warn("leases are shorter, because the image took long to load", "event", "leases-shorter", "by", time.Duration(late))
	}
	if s.ctx.Err() != nil {
		return "", errors.New("promotion: the server is stopping")
	}
	s.serve(next)
	line := s.Describe()
	s.cfg.Log.Warn("promoted: this server is the primary now", "event", "promoted", "durability", line)
	return line, nil
}

// serve replaces the table of the backup by that of the promotion.
func (s *Store) serve(next *State) {
	next.Table.SharePauses(s.clock.Pauses())
	if s.beforeServing != nil {
		s.beforeServing(next.Table)
	}
	m := &imager{s: s, of: next, asked: make(chan chan error)}
	s.imager.Store(m)
	s.state.Store(next)
	s.follower.Store(nil)
	s.background(m.run)
}
