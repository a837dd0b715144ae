package engine

import (
	"dlm/codec"
	"dlm/table"
)

// verbs is a set of verbs.
type verbs uint32

func verbSet(list ...codec.Verb) (set verbs) {
	for _, v := range list {
		set |= 1 << v
	}
	return set
}

// The verbs that a role may use. Those that only concern the connection
// itself are open to everybody.
var (
	verbsOpen = verbSet(codec.VerbAuth, codec.VerbHello, codec.VerbQuit, codec.VerbReset, codec.VerbHelp,
		codec.VerbMulti, codec.VerbExec, codec.VerbDiscard)
	verbsBase = verbsOpen | verbSet(codec.VerbPing, codec.VerbEcho, codec.VerbDetail, codec.VerbClient,
		codec.VerbCommand, codec.VerbConfig, codec.VerbSelect, codec.VerbWatch, codec.VerbUnwatch)
	verbsRead = verbsBase | verbSet(codec.VerbStatus, codec.VerbLocks, codec.VerbInfo)
	verbsLock = verbsRead | verbSet(codec.VerbAcquire, codec.VerbRelease, codec.VerbHeartbeat)

	verbsOf = [...]verbs{
		RoleNone:   verbsOpen,
		RoleBackup: verbsBase,
		RoleRead:   verbsRead,
		RoleLock:   verbsLock,
		RoleAdmin:  verbsLock | verbSet(codec.VerbForceRelease),
	}
	verbsPlain = verbSet(codec.VerbAcquire, codec.VerbRelease, codec.VerbHeartbeat)
	verbsWrite = verbSet(codec.VerbAcquire, codec.VerbRelease, codec.VerbHeartbeat, codec.VerbForceRelease)
	verbsNamed = verbSet(codec.VerbAcquire, codec.VerbRelease, codec.VerbHeartbeat, codec.VerbStatus, codec.VerbForceRelease)
)

// refusal tells whether the connection may execute the command: OK, NoAuth, Denied, or
// Limit if it may not as a guest.
func (r *reactor) refusal(c *conn) codec.Code {
	bit := verbs(1) << r.cmd.Verb
	if c.may&bit == 0 {
		switch {
		case verbsOf[c.who.role]&bit != 0:
			return codec.Limit
		case c.who.role == RoleNone:
			return codec.NoAuth
		}
		return codec.Denied
	}
	if verbsNamed&bit != 0 && !c.who.mayUse(r.cmd.Name) {
		return codec.Denied
	}
	return codec.OK
}

// exec executes the decoded command and appends its reply, unless it waits.
func (r *reactor) exec(c *conn) {
	cmd := r.cmd
	r.w.Start(cmd.Form, cmd.Tag)
	if c.inMulti() && r.refusedByMulti(c) {
		return
	}
	switch code := r.refusal(c); code {
	case codec.OK:
	case codec.Limit:
		r.refuseGuest(c)
		return
	default:
		r.refuse(code, r.refusalWords(c, code))
		if cmd.Verb == codec.VerbForceRelease {
			r.e.NoteDenied(cmd.Verb.String(), c.who.name, c.sock.remote())
		}
		return
	}
	if served := r.e.served.Load(); served.follows && verbsWrite&(1<<cmd.Verb) != 0 {
		r.refuse(codec.ReadOnly, reasonOf(cmd.Verb, codec.ReadOnly))
		return
	} else if served.tooLong(cmd) {
		r.refuse(codec.BadArg, served.ttlReason)
		return
	}
	switch cmd.Verb {
	case codec.VerbAcquire:
		r.acquire(c)
	case codec.VerbRelease, codec.VerbHeartbeat:
		r.keepOrGive(c)
	case codec.VerbForceRelease:
		r.forceRelease(c)
	case codec.VerbStatus:
		r.statusOf(c)
	case codec.VerbLocks:
		r.listLocks(c)
	default:
		r.session(c)
	}
}

// tooLong tells whether the command asks for a longer lease than a recovery waits for.
func (r *recovered) tooLong(cmd *codec.Command) bool {
	return cmd.Has(codec.OptTTL) && cmd.TTLMs > r.ttlMax
}

// apply executes a command of the table. The result is valid until the next.
func (r *reactor) apply(id table.ConnID, ticket uint32) *table.Result {
	t := r.e.tab()
	hash := t.Hash(r.cmd.Name)
	s := r.lock(t.Shard(hash))
	res := s.Apply(r.now, hash, r.cmd, table.Origin{Conn: id, Ticket: ticket}, &r.fx)
	r.unlock(s)
	if res.Code == codec.Limit && t.Gather(res.Which) {
		r.lock(s)
		res = s.Apply(r.now, hash, r.cmd, table.Origin{Conn: id, Ticket: ticket}, &r.fx)
		r.unlock(s)
	}
	return res
}

// keepOrGive executes RELEASE or HEARTBEAT.
func (r *reactor) keepOrGive(c *conn) {
	res := r.apply(c.id, 0)
	r.reply(c, res)
	if res.Code == codec.OK {
		r.guestShows(c, rankHolder)
	}
}

func (r *reactor) acquire(c *conn) {
	cmd := r.cmd
	if r.e.draining.Load() {
		r.refuse(codec.Shutdown, reasonOf(cmd.Verb, codec.Shutdown))
		return
	}
	ticket := uint32(0)
	if len(cmd.Tag) > 0 && cmd.WaitMs > 0 {
		if c.waits.open >= tagsMax {
			r.refuseLimit(codec.WhichTags)
			return
		}
		ticket = c.waits.nextTicket()
	}
	res := r.apply(c.id, ticket)
	if res.Waiting && ticket != 0 {
		c.waits.add(cmd.Tag, res.Waiter)
		return
	}
	r.outcome(c, res)
}

// outcome answers a command of the table, or notes that the connection waits.
func (r *reactor) outcome(c *conn, res *table.Result) {
	if res.Waiting {
		c.pending.waiting, c.pending.form, c.pending.ref = true, r.cmd.Form, res.Waiter
		return
	}
	fresh, hold := res.Fresh, res.Hold
	r.reply(c, res)
	if fresh {
		c.grants.add(hold, len(r.w.Buf), false)
	}
}

// reply answers ACQUIRE, RELEASE or HEARTBEAT.
func (r *reactor) reply(c *conn, res *table.Result) {
	if res.Code != codec.OK {
		r.refuseResult(c, res)
		return
	}
	r.writeHold(c, r.cmd.Form, res.Token, res.Count, res.LeaseMs)
	r.count(r.cmd.Verb, codec.OK)
}

// writeHold answers with the fields of a hold where they are wanted.
func (r *reactor) writeHold(c *conn, form codec.Form, token codec.Token, count uint32, leaseMs int64) {
	if c.detail || form == codec.FormRESP {
		r.w.Hold(token, count, leaseMs)
	} else {
		r.w.OK()
	}
}

// refuse answers the current command with an error.
func (r *reactor) refuse(code codec.Code, msg string) {
	r.w.Error(code, msg)
	r.count(r.cmd.Verb, code)
}

// done answers the current command with OK.
func (r *reactor) done() {
	r.w.OK()
	r.count(r.cmd.Verb, codec.OK)
}
