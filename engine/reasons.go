package engine

import "dlm/codec"

// reasonOf returns the words of a refused lock command with that code. They say what happened, and
// what the client can conclude from it.
func reasonOf(verb codec.Verb, code codec.Code) string {
	switch code {
	case codec.Timeout:
		return "not granted within the wait timeout"
	case codec.NotHeld:
		return "nobody holds this lock: it was never acquired, or released, expired or forced"
	case codec.NotOwner:
		return "another service holds this lock"
	case codec.AlreadyHeld:
		return "this service holds the lock, and FRESH takes no second grant: nothing was changed"
	case codec.Stale:
		return "the token is not that of the present hold"
	case codec.ReadOnly:
		return "this server is a backup: use its primary, or promote it"
	case codec.Recovering:
		if verb == codec.VerbAcquire {
			return "recovering after a restart, the holder of this lock is not known yet: try again"
		}
		return "recovering after a restart, this hold is not known yet: prove it by HEARTBEAT with TOKEN and COUNT"
	case codec.Shutdown:
		return "the server is stopping"
	default:
		panic("BUG: no reason for code " + code.String())
	}
}

// limitReasons are the words for each limit.
var limitReasons = [...]string{
	codec.WhichLocks:       "as many locks are held as can be (max-locks): nothing was changed",
	codec.WhichWaiters:     "as many requests wait as can (max-waiters): nothing was changed",
	codec.WhichLockWaiters: "too many requests wait for this lock (QUEUE, or max-waiters-per-lock): nothing was changed",
	codec.WhichTags:        "too many open tags on this connection",
	codec.WhichCount:       "the service has acquired this lock as often as the server can count: nothing was changed",
	codec.WhichMemory:      "no memory is left for locks and waiters (max-memory): nothing was changed",
	codec.WhichTokens:      "no fencing token is left: restart the server",
}

// refusalReason returns the words for NoAuth and Denied.
func refusalReason(c *conn, code codec.Code) string {
	switch {
	case code == codec.NoAuth:
		return "authenticate first: AUTH <token>"
	case !c.who.AllNames():
		return "this token may not do this, or not with this lock name"
	case c.who.Name == "":
		return "only an admin may do this: AUTH with the token in the file admin.token, or in DLM_ADMIN_TOKEN"
	default:
		return "the role " + c.who.Role.String() + " may not do this"
	}
}
