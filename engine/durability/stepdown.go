package durability

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dlm/engine/snapshot"
)

// ErrStopping is returned by StepDown on a server that stops for another reason.
var ErrStopping = errors.New("this server is stopping by itself")

// SuccessorLinger is how long a server that has stepped down waits for its successor to fetch the
// last image.
const SuccessorLinger = 15 * time.Second

// StepDown stops the server for good, because a backup takes over: the directory says so, and it
// does not start as a primary again. Only one backup may take over. successor is its Lineage, or
// empty if a person asks by hand. StepDown returns the name of the last image when that is on disk.
func (s *Store) StepDown(ctx context.Context, successor string) (last string, err error) {
	var by snapshot.Lineage
	if successor != "" {
		if by, err = snapshot.ParseLineage(successor); err != nil {
			return "", fmt.Errorf("%s: %w", HeaderBackup, err)
		}
	}
	switch {
	case s.follower.Load() != nil:
		return "", errors.New("this server is a backup itself: ask its primary")
	case s.imager.Load() == nil:
		return "", errors.New("this server keeps no images: it has nothing to hand over")
	case !s.successor.CompareAndSwap(nil, &by) && *s.successor.Load() != by:
		return "", errors.New("another backup is already taking over from this server")
	}
	s.stepDownOnce.Do(func() { close(s.steppedDown) })
	select {
	case <-s.finished:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	switch {
	case s.finishErr != nil:
		return "", s.finishErr
	case !s.handedOver: // it was stopping already
		return "", fmt.Errorf("%w: promote again", ErrStopping)
	}
	is, _ := s.Images()
	return snapshot.Name(is.Path), nil
}

// SteppedDown is closed when a backup takes over: the engine must stop.
func (s *Store) SteppedDown() <-chan struct{} { return s.steppedDown }

// HasSuccessor reports whether a backup takes over.
func (s *Store) HasSuccessor() bool { return s.successor.Load() != nil }

// WaitSuccessor waits until a backup has had time to fetch the last image. It returns immediately
// if no backup takes over.
func (s *Store) WaitSuccessor(fetched <-chan struct{}) {
	select {
	case <-s.steppedDown:
	default:
		return
	}
	select {
	case <-fetched:
	case <-time.After(SuccessorLinger):
	}
}
