package engine

import (
	"dlm/codec"
	"dlm/engine/auth"
)

// verbs is a set of verbs.
type verbs uint64

func verbSet(list ...codec.Verb) (set verbs) {
	for _, v := range list {
		set |= 1 << v
	}
	return set
}

// The verbs of each role. Verbs about the connection itself are open to everybody.
var (
	verbsOpen = verbSet(codec.VerbAuth, codec.VerbHello, codec.VerbQuit, codec.VerbReset, codec.VerbHelp,
		codec.VerbMulti, codec.VerbExec, codec.VerbDiscard)
	verbsBase = verbsOpen | verbSet(codec.VerbPing, codec.VerbEcho, codec.VerbDetail, codec.VerbClient,
		codec.VerbCommand, codec.VerbConfig, codec.VerbSelect)
	verbsRead = verbsBase | verbSet(codec.VerbStatus, codec.VerbHolders, codec.VerbLocks, codec.VerbInfo, codec.VerbWatch, codec.VerbUnwatch,
		codec.VerbDeadlocks, codec.VerbTop, codec.VerbWaiters, codec.VerbOwner, codec.VerbEvents)
	verbsLock = verbsRead | verbsBatch | verbSet(codec.VerbCancel, codec.VerbOutcome, codec.VerbNotify)

	verbsAdmin = verbSet(codec.VerbForceRelease, codec.VerbClients, codec.VerbDisconnect)

	verbsOf = [...]verbs{
		auth.RoleNone:    verbsOpen,
		auth.RoleBackup:  verbsBase,
		auth.RoleMetrics: verbsBase,
		auth.RoleRead:    verbsRead,
		auth.RoleLock:    verbsLock,
		auth.RoleAdmin:   verbsLock | verbsAdmin,
	}
	verbsBatch = verbSet(codec.VerbAcquire, codec.VerbRelease, codec.VerbHeartbeat, codec.VerbUpgrade, codec.VerbDowngrade)
	verbsWrite = verbsBatch | verbSet(codec.VerbForceRelease)
	// Verbs that a backup refuses, because nothing happens to its locks.
	verbsPrimary = verbsWrite | verbSet(codec.VerbWatch, codec.VerbUnwatch, codec.VerbNotify, codec.VerbDeadlocks)

	// Verbs that a backup without an image refuses, because it knows no locks.
	verbsLookUp = verbSet(codec.VerbStatus, codec.VerbHolders, codec.VerbLocks)

	// The parts of a command that the bounds of a token look at.
	needsName = verbsBatch | verbSet(codec.VerbStatus, codec.VerbHolders, codec.VerbForceRelease, codec.VerbCancel,
		codec.VerbOutcome, codec.VerbWaiters)
	needsService = verbsBatch | verbSet(codec.VerbCancel, codec.VerbOutcome)
	needsToken   = verbsBatch &^ verbSet(codec.VerbAcquire)
)

// refusal returns OK if the connection may use the command, else NoAuth, Denied, or Limit for a
// guest.
func (r *reactor) refusal(c *conn) codec.Code {
	bit := verbs(1) << r.cmd.Verb
	if c.may&bit == 0 {
		switch {
		case verbsOf[c.who.Role]&bit != 0:
			return codec.Limit
		case c.who.Role == auth.RoleNone:
			return codec.NoAuth
		}
		return codec.Denied
	}
	if !c.who.Unbound() && r.outOfBounds(c) {
		return codec.Denied
	}
	return codec.OK
}

// outOfBounds reports whether the bounds of the connection's token exclude the present command.
func (r *reactor) outOfBounds(c *conn) bool {
	cmd := r.cmd
	if cmd.Verb == codec.VerbCancel && !cmd.Has(codec.OptReq) {
		return false // a wait of the connection itself
	}
	return needsName.has(cmd.Verb) && !c.who.MayUse(cmd.Name) ||
		needsService.has(cmd.Verb) && !c.who.MayActAs(cmd.Service) ||
		needsToken.has(cmd.Verb) && c.who.NeedsToken() && !cmd.Has(codec.OptToken)
}

// refused answers the present command if the connection may not use it, or not now, and reports
// whether it did.
func (r *reactor) refused(c *conn) bool {
	cmd := r.cmd
	if c.inMulti() && r.refusedByMulti(c) {
		return true
	}
	switch code := r.refusal(c); code {
	case codec.OK:
	case codec.Limit:
		r.refuseGuest(c)
		return true
	default:
		r.refuse(code, r.refusalWords(c, code))
		if verbsAdmin.has(cmd.Verb) {
			r.e.NoteDenied(cmd.Verb.String(), c.who.Name, c.sock.Remote())
		}
		return true
	}
	switch {
	case r.served.WithoutImage() && verbsLookUp.has(cmd.Verb):
		r.refuseReadOnly(noImage)
	case r.served.Follows() && (verbsPrimary.has(cmd.Verb) || cmd.Has(codec.OptReq)):
		r.refuseReadOnly(reasonOf(cmd.Verb, codec.ReadOnly))
	case (cmd.Verb == codec.VerbAcquire || cmd.Verb == codec.VerbUpgrade) && r.e.draining.Load():
		r.refuse(codec.Shutdown, reasonOf(cmd.Verb, codec.Shutdown))
	default:
		return false
	}
	return true
}

// exec executes the present command, which is not a lock command, and answers it.
func (r *reactor) exec(c *conn) {
	r.served = r.e.store.State()
	r.w.Start(r.cmd.Form, r.cmd.Tag)
	if r.refused(c) {
		return
	}
	switch r.cmd.Verb {
	case codec.VerbForceRelease:
		r.askForce(c)
	case codec.VerbCancel:
		r.cancelCommand(c)
	case codec.VerbOutcome:
		r.outcome()
	case codec.VerbStatus:
		r.statusOf()
	case codec.VerbHolders:
		r.listHolders()
	case codec.VerbLocks:
		r.listLocks(c)
	case codec.VerbWatch, codec.VerbUnwatch, codec.VerbNotify:
		r.subscribe(c)
	case codec.VerbDeadlocks, codec.VerbTop, codec.VerbWaiters, codec.VerbOwner, codec.VerbEvents, codec.VerbClients, codec.VerbDisconnect:
		r.ask(c)
	default:
		r.session(c)
	}
}

// writeHold answers with the fields of a hold if the connection wants them.
func (r *reactor) writeHold(c *conn, form codec.Form, token codec.Token, count uint32, leaseMs int64) {
	if c.detail || form == codec.FormRESP {
		r.w.Hold(token, count, leaseMs)
	} else {
		r.w.OK()
	}
}

// refuse answers the present command with an error.
func (r *reactor) refuse(code codec.Code, msg string) { r.refuseData(code, nil, msg) }

// refuseData is refuse with data for programs.
func (r *reactor) refuseData(code codec.Code, data []byte, msg string) {
	r.w.ErrorData(code, data, msg)
	r.count(r.cmd.Verb, code)
}

// done answers the present command with OK.
func (r *reactor) done() {
	r.w.OK()
	r.count(r.cmd.Verb, codec.OK)
}
