package engine

import "runtime/debug"

// crash ends the process after a bug that leaves nobody sure of the table: a lock server must not
// guess. Config.Crash gets the log out and ends the process; a panic alone would print where the
// log goes, and hang there, with a shard's mutex held, if nobody reads it.
func (e *Engine) crash(cause any) {
	e.cfg.Log.Error("internal error: the process ends", "cause", cause, "stack", string(debug.Stack()))
	if e.cfg.Crash != nil {
		e.cfg.Crash()
	}
	panic(cause)
}
