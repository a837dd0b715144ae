package durability

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"syscall"
	"time"

	"dlm/engine/clock"
)

const (
	askPauseMin = 50 * time.Millisecond // before a primary is asked again, the first time
	askPauseMax = time.Second           // and at most
	tellEvery   = 2 * time.Second       // between two lines on the same wait
)

// refusal is an answer of a primary that asking again does not change.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// asker asks a primary to stop until it answers or is gone. A process that is being killed, or a
// machine that comes up, resets connections or does not answer, and soon refuses them.
type asker struct {
	source    source
	primary   string
	tell      func(line string)
	tellEvery time.Duration
}

// stopPrimary asks the primary of a backup to stop, until it confirms that, is certainly gone, or
// the time is over. It returns the name of the primary's last image; empty: not known.
func (s *Store) stopPrimary(ctx context.Context, f *follower, how PromoteRequest) (last string, err error) {
	wait := how.Wait
	if wait == 0 {
		wait = PromoteWait
	}
	a := asker{source: f.source, primary: "the primary " + s.cfg.BackupOf, tellEvery: tellEvery, tell: func(line string) {
		s.cfg.Log.Info("promotion", "event", "promotion-progress", "progress", line)
		if how.Progress != nil {
			how.Progress(line)
		}
	}}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	last, err = a.ask(limited, how.Token)
	if err == nil {
		return last, nil
	}
	if refused := (refusal{}); errors.As(err, &refused) {
		return "", fmt.Errorf("%s has not confirmed that it stopped: %w", a.primary, err)
	}
	return "", fmt.Errorf("%s has not confirmed within %s that it stopped (%w). If it has received the request, it still stops. "+
		"Check whether it runs, and try again. If it is certainly dead, promote with --old-is-dead", a.primary, clock.InWords(wait), err)
}

// ask returns nil when the primary has confirmed that it stopped, or is gone.
func (a *asker) ask(ctx context.Context, token string) (last string, err error) {
	a.tell(a.primary + " is asked to stop")
	pause, told := askPauseMin, ""
	for {
		last, again := a.once(ctx, token)
		switch refused := (refusal{}); {
		case again == nil:
			a.tell(a.primary + " has stopped")
			return last, nil
		case errors.Is(again, errGone):
			a.tell(a.primary + " refuses connections: it does not run")
			return "", nil
		case errors.As(again, &refused):
			return "", again
		case ctx.Err() == nil || err == nil: // else the failure before it explains more
			err = again
		}
		if text := briefly(err); text != told && ctx.Err() == nil {
			told = text
			a.tell(a.primary + ": " + text + "; it is asked again")
		}
		select {
		case <-ctx.Done():
			return "", errors.New(briefly(err))
		case <-time.After(pause):
		}
		pause = min(2*pause, askPauseMax)
	}
}

// once asks one time, and reports at intervals that there is no answer yet.
func (a *asker) once(ctx context.Context, token string) (string, error) {
	asked, answered := time.Now(), make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() { // the goroutine "tell"
		tick := time.NewTicker(a.tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-answered:
				return
			case <-tick.C:
				a.tell(fmt.Sprintf("%s has not answered for %s", a.primary, clock.InWords(time.Since(asked))))
			}
		}
	})
	last, err := a.source.stepDown(ctx, token)
	close(answered)
	telling.Wait()
	return last, err
}

// briefly says what happened, without the addresses of both ends of a connection.
func briefly(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it does not answer"
	}
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	if request := (*url.Error)(nil); errors.As(err, &request) {
		return oneLine(request.Err)
	}
	return oneLine(err)
}
