package engine

import (
	"context"
	"time"

	"dlm/engine/observe"
	"dlm/engine/snapshot"
)

// Observe returns what answers questions about the table. Any goroutine may call it.
func (e *Engine) Observe() *observe.Observer { return e.observer }

// served returns the table that questions are answered from.
func (e *Engine) served() observe.Served {
	st := e.store.State()
	s := observe.Served{Table: st.Table, Now: st.TimeAt(e.clock.Now()), UnchangedMs: st.UnchangedMs(), Backup: st.Follows(), Empty: st.WithoutImage()}
	if s.Backup {
		s.StaleMs = st.Staleness().Milliseconds()
	}
	return s
}

// WrittenImage describes an image that was written on demand.
type WrittenImage struct {
	Name  string
	Bytes uint64
	Took  time.Duration
}

// WriteImage writes an image now and waits for it. Any goroutine but a loop may call it.
func (e *Engine) WriteImage(ctx context.Context) (WrittenImage, error) {
	is, err := e.store.ImageNow(ctx)
	if err != nil {
		return WrittenImage{}, err
	}
	return WrittenImage{Name: snapshot.Name(is.Path), Bytes: uint64(is.Header.Length), Took: is.Took}, nil
}
