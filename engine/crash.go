package engine

import "runtime/debug"

// crash ends the process after a bug that leaves the state of the table unknown, because a lock
// server must not guess. Config.Crash writes the log and ends the process. A panic alone would
// print to the log's pipe and, if its reader hangs, block there with a shard's mutex held.
func (e *Engine) crash(cause any) {
	e.cfg.Log.Error("internal error: the process ends", "cause", cause, "stack", string(debug.Stack()))
	if e.cfg.Crash != nil {
		e.cfg.Crash()
	}
	panic(cause)
}
