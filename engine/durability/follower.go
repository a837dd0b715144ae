package durability

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"dlm/engine/clock"
	"dlm/engine/snapshot"
)

// follower keeps a backup's table like that of its primary.
type follower struct {
	s      *Store
	source source

	tries   repeated           // of the goroutine "follower"
	waiting bool               // there is no image yet, and the log says so; of the same goroutine
	stop    context.CancelFunc // of run; nil before its first start, and after fetchLast
	enough  chan struct{}      // closed when run is to end after its step
	stopped chan struct{}      // closed when run has ended

	mu    sync.Mutex
	state BackupState // guarded by mu
}

// BackupState is what is known of the questions to the primary.
type BackupState struct {
	Asked    time.Time // when the primary last answered; zero: never
	Answers  uint64    // tries that brought an answer: an image, or that there is no newer one
	Failures uint64    // tries that brought no answer
	Problem  string    // of the last try, in one line; empty: it succeeded
	Address  string    // where clients of locks reach the primary, host:port; empty: not known
}

// Following returns what is known of the primary. ok is false on a server that follows nobody.
func (s *Store) Following() (is BackupState, ok bool) {
	f := s.follower.Load()
	if f == nil {
		return is, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state, true
}

// FollowOnce asks the primary once. It is a step of a simulation, in which no goroutine "follower"
// runs.
func (s *Store) FollowOnce(ctx context.Context) error { return s.follower.Load().step(ctx) }

// follow starts the goroutine "follower".
func (s *Store) follow(f *follower) {
	if !s.started.Load() {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	stopped := make(chan struct{})
	f.stop, f.enough, f.stopped = cancel, make(chan struct{}), stopped
	s.background(func(context.Context) {
		defer close(stopped)
		defer cancel()
		f.run(ctx)
	})
}

// halt ends the goroutine, if it runs.
func (f *follower) halt() {
	if f.stop != nil {
		f.stop()
		<-f.stopped
	}
}

// fetchLast brings the last image of a primary that has stopped, and ends the goroutine. A step
// that the goroutine is in goes on to its end, because the primary leaves as soon as its last image
// has been fetched, and that step may have done it. Then the next one can fail.
func (f *follower) fetchLast(ctx context.Context, last string) error {
	if f.stop != nil {
		close(f.enough)
		<-f.stopped
		f.stop = nil // another promotion finds no goroutine to end
	}
	err := f.step(ctx)
	if f.s.State().From == last {
		return nil
	}
	return err
}

// run follows until ctx ends, or for enough.
func (f *follower) run(ctx context.Context) {
	for {
		err := f.step(ctx)
		f.mu.Lock()
		switch f.state.Problem = oneLine(err); {
		case err == nil:
			f.state.Answers++
		case ctx.Err() == nil:
			f.state.Failures++
		}
		f.mu.Unlock()
		f.log(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-f.enough:
			return
		case <-time.After(f.s.cfg.SnapshotInterval):
		}
	}
}

// log reports a try, if it differs from the one before.
func (f *follower) log(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil && f.tries.succeeded():
		f.s.cfg.Log.Info("images arrive from the primary again", "event", "fetches-work", "primary", f.s.cfg.BackupOf)
	case err != nil && f.tries.failed(err, time.Now()):
		f.s.cfg.Log.Warn("no image arrived from the primary; the backup tries again each interval", "event", "fetches-failing", "error", err.Error())
	}
}

// step brings the next image, if there is one, checks it, and serves it.
func (f *follower) step(ctx context.Context) error {
	is := f.s.State()
	var have *snapshot.Header
	if is.From != "" {
		have = &is.Header
	}
	if err := is.dir.Check(); err != nil {
		return err
	}
	got, err := f.source.fetch(ctx, have, is.dir.Path())
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.state.Asked = time.Now()
	f.state.Address = got.address
	f.mu.Unlock()
	if got.path == "" {
		f.unchanged(is, got.asOf)
		return nil
	}
	next, err := is.next(&f.s.cfg, got.path)
	if err != nil {
		advice := "the backup fetches it again. If that does not help, check that this is the address of a primary"
		return errors.Join(adviseBackup(err, advice), os.Remove(got.path))
	}
	if err := is.dir.Adopt(got.path, next.From); err != nil {
		return err
	}
	if !got.asOf.IsZero() {
		next.know(got.asOf)
	}
	f.s.state.Store(next)
	f.warnOfLag(is, next)
	f.s.retain(is.dir)
	return nil
}

// unchanged is for an answer without an image.
func (f *follower) unchanged(is *State, asOf time.Time) {
	switch {
	case is.From != "" && !asOf.IsZero():
		is.confirm(asOf)
	case is.From == "" && !f.waiting:
		f.waiting = true
		f.s.cfg.Log.Warn("the primary has no image yet, so this backup can't be promoted", "event", "primary-without-image", "primary", f.s.cfg.BackupOf)
	}
}

// describeBackup is Describe for a backup.
func (s *Store) describeBackup(is *State) string {
	line := fmt.Sprintf("backup of %s, images in %s", s.cfg.BackupOf, s.cfg.DataDir)
	if is.From == "" {
		return line + "; none yet"
	}
	return line + fmt.Sprintf("; %d holds from %s, %s old", is.Holds, is.From, clock.InWords(is.Staleness()))
}
