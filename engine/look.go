package engine

import (
	"context"

	"dlm/engine/durability"
	"dlm/engine/observe"
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

// WriteImage writes an image now and waits for it. Any goroutine but a loop may call it.
func (e *Engine) WriteImage(ctx context.Context) (durability.ImageState, error) {
	return e.store.ImageNow(ctx)
}
