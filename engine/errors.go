package engine

import (
	"strconv"
	"time"

	"dlm/codec"
	"dlm/table"
)

// Errors carry data for programs between the code and the words. Errors of the table get their data
// here:
//
//	HELD <token>                     of the service's own hold
//	LIMIT <which>
//	TIMEOUT "<service>" <held_ms>    the holder, and how long it has held the lock; "" and 0 if
//	                                 nobody holds it, or the role may not see it
//	RECOVERING <ms>                  rest of the grace
//	READONLY "<host:port>"           of the primary; "" if it is not known
//	DEADLOCK "<lock>" "<service>" ... each lock of the cycle and its holder: see appendCycle

// refuseResult answers a lock command that the table has refused.
func (r *reactor) refuseResult(c *conn, res *table.Result) {
	if res.Code == codec.Limit {
		r.refuseLimit(res.Which)
		return
	}
	data, msg := r.errorData[:0], ""
	switch res.Code {
	case codec.BadArg:
		msg = r.e.store.State().TTLReason // the only argument that the table refuses without REQ
		if res.Repeat {
			msg = anotherRequest
		}
	case codec.Stale:
		if res.Repeat {
			msg = holdIsOver
		}
	case codec.AlreadyHeld:
		data = strconv.AppendUint(data, uint64(res.Token), 10)
	case codec.Timeout:
		data = appendHolder(data, c, r.fx.Owner, res.HeldMs)
	case codec.Recovering:
		data = r.appendGraceLeft(data)
	}
	if msg == "" {
		msg = reasonOf(r.cmd.Verb, res.Code)
	}
	r.refuseData(res.Code, data, msg)
	r.errorData = data
}

// The words for a request with REQ that has a record.
const (
	anotherRequest = "REQ is that of another request, with other arguments: use a new id for each ACQUIRE"
	holdIsOver     = "this request was granted, and its hold has ended since"
)

// refuseLimit refuses the present command because of that limit.
func (r *reactor) refuseLimit(which codec.Which) {
	r.refuseData(codec.Limit, append(r.errorData[:0], r.e.limitHit(which)...), limitReasons[which])
}

// limitHit counts a command or connection that is refused at a limit, and returns the limit's word.
// Any goroutine may call it.
func (e *Engine) limitHit(which codec.Which) string {
	e.limitHits[which].Add(1)
	return which.String()
}

// writeEndOfWait writes the error that ends a wait. It looks up the present holder by the reference
// that the table gave when the wait ended, so that many time-outs copy no service ids.
func (r *reactor) writeEndOfWait(c *conn, fx *table.Effect) {
	data, msg := r.errorData[:0], ""
	switch fx.Code {
	case codec.Timeout:
		s := r.lock(r.e.tab().ShardAt(int(fx.Hold.Shard)))
		owner, heldMs := s.Holder(r.now, fx.Hold, r.owner[:0])
		r.unlock(s)
		r.owner = owner
		data = appendHolder(data, c, owner, heldMs)
	case codec.Recovering:
		data = r.appendGraceLeft(data)
	case codec.Limit:
		data, msg = append(data, r.e.limitHit(fx.Which)...), limitReasons[fx.Which]
	}
	if msg == "" {
		msg = reasonOf(waitingVerb(fx), fx.Code)
	}
	r.w.ErrorData(fx.Code, data, msg)
	r.errorData = data
}

// refuseReadOnly refuses the present command because this is a backup, and says where the primary
// is.
func (r *reactor) refuseReadOnly(msg string) {
	primary, _ := r.e.store.Following()
	r.errorData = codec.AppendQuoted(r.errorData[:0], []byte(primary.Address))
	r.refuseData(codec.ReadOnly, r.errorData, msg)
}

// waitingVerb returns the verb of a request that has waited.
func waitingVerb(fx *table.Effect) codec.Verb {
	if fx.Upgrade {
		return codec.VerbUpgrade
	}
	return codec.VerbAcquire
}

// appendHolder appends the data of TIMEOUT, if the connection may see who holds the lock.
func appendHolder(data []byte, c *conn, owner []byte, heldMs int64) []byte {
	if verbsOf[c.who.Role]&(1<<codec.VerbStatus) == 0 {
		owner, heldMs = nil, 0
	}
	data = codec.AppendQuoted(data, owner)
	return strconv.AppendInt(append(data, ' '), heldMs, 10)
}

// appendGraceLeft appends the rest of the recovery grace in ms. A client that waits for so long
// finds it over.
func (r *reactor) appendGraceLeft(data []byte) []byte {
	return strconv.AppendInt(data, r.graceLeftMs(), 10)
}

// graceLeftMs returns the rest of the recovery grace in ms, rounded up.
func (r *reactor) graceLeftMs() int64 {
	return (r.e.store.State().GraceLeft(r.now) + time.Millisecond - 1).Milliseconds()
}

// reasonOf returns the words of a refused lock command with that code. They say what happened, and
// what the client can conclude from it.
func reasonOf(verb codec.Verb, code codec.Code) string {
	switch {
	case code == codec.Conflict && verb == codec.VerbUpgrade:
		return "this is a semaphore, or another holder waits to upgrade: both would wait for ever, release one of them"
	case code == codec.NotHeld && verb == codec.VerbUpgrade:
		return "this service does not hold the lock, or its hold ended before the upgrade"
	case code == codec.Recovering && verb == codec.VerbAcquire:
		return "recovering after a restart, the holder of this lock is not known yet: try again"
	case reasons[code] == "":
		panic("BUG: no reason for code " + code.String())
	}
	return reasons[code]
}

var reasons = [codec.CodeCount]string{
	codec.Timeout:     "not granted within the wait timeout",
	codec.NotHeld:     "nobody holds this lock: it was never acquired, or released, expired or forced",
	codec.Conflict:    "the present holders, or this service itself, hold the lock in another mode, or with another number of permits",
	codec.NotOwner:    "another service holds this lock",
	codec.AlreadyHeld: "this service holds the lock, and FRESH takes no second grant: nothing was changed",
	codec.Stale:       "the token is not that of the present hold",
	codec.ReadOnly:    "this server is a backup: use its primary, or promote it",
	codec.Recovering:  "recovering after a restart, this hold is not known yet: prove it by HEARTBEAT with TOKEN and COUNT",
	codec.Canceled:    "the wait was cancelled, or a repeat of the request has taken its place",
	codec.Deadlock:    "the services of this cycle wait for each other, and this request came last with DETECT: release what they wait for",
	codec.Shutdown:    "the server is stopping",
}

// limitReasons are the words for each limit.
var limitReasons = [...]string{
	codec.WhichLocks:       "the limit on held locks is reached (max-locks): nothing was changed",
	codec.WhichWaiters:     "the limit on waiting requests is reached (max-waiters): nothing was changed",
	codec.WhichLockWaiters: "too many requests wait for this lock (QUEUE, or max-waiters-per-lock): nothing was changed",
	codec.WhichTags:        "too many open tags on this connection",
	codec.WhichCount:       "the service has acquired this lock as often as the server can count: nothing was changed",
	codec.WhichMemory:      "no memory is left for locks and waiters (max-memory): nothing was changed",
	codec.WhichAudit:       "the audit takes no record, see the server's log: nothing was changed",
	codec.WhichWatches:     "this connection has as many prefixes of WATCH, or of NOTIFY, as it may: nothing was changed",
	codec.WhichQuota:       "the services of this token hold or wait for as much as they may: nothing was changed",
	codec.WhichRetries:     "no more requests with REQ can be remembered, because all of them wait or are held (64 per lock and service, max-retries): nothing was changed",
	codec.WhichTokens:      "no fencing token is left: restart the server",
}

// refusalReason returns the words for NoAuth and Denied.
func refusalReason(c *conn, cmd *codec.Command, code codec.Code) string {
	mayVerb := c.may.has(cmd.Verb)
	switch {
	case code == codec.NoAuth:
		return "authenticate first: AUTH <token>"
	case mayVerb && needsName.has(cmd.Verb) && !c.who.MayUse(cmd.Name):
		return "this token may not do this with this lock name"
	case mayVerb && needsService.has(cmd.Verb) && !c.who.MayActAs(cmd.Service):
		return "this token may not act as this service"
	case mayVerb:
		return "this token has to name the hold: give TOKEN <n>"
	case c.who.Name == "":
		return "only an admin may do this: AUTH with the token in the file admin.token, or in DLM_ADMIN_TOKEN"
	default:
		return "the role " + c.who.Role.String() + " may not do this"
	}
}
