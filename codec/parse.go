package codec

// command makes a command of its words, the verb first.
func (d *Decoder) command(cmd *Command, words [][]byte) Status {
	verb := verbOf(words[0]) // in upper case, as most clients send it
	if verb == VerbNone {
		verb = verbOf(d.upper(words[0]))
	}
	if verb >= VerbClient && cmd.Form == FormText {
		verb = VerbNone // RESP only
	}
	cmd.Verb = verb
	args := words[1:]
	switch verb {
	case VerbAcquire:
		return d.acquire(cmd, args)
	case VerbRelease, VerbHeartbeat, VerbDowngrade:
		return d.onHold(cmd, args)
	case VerbUpgrade:
		return d.upgrade(cmd, args)
	case VerbStatus, VerbHolders:
		if len(args) != 1 {
			return d.usage(verb)
		}
		return d.name(cmd, args[0])
	case VerbForceRelease:
		return d.forceRelease(cmd, args)
	case VerbLocks:
		return d.locks(cmd, args)
	case VerbCancel, VerbOutcome:
		return d.onRequest(cmd, args)
	case VerbTop, VerbWaiters, VerbOwner, VerbEvents, VerbClients, VerbDisconnect:
		return d.look(cmd, args)
	case VerbNone:
		return d.unknown(cmd, words)
	}
	return d.sessionCommand(cmd, args)
}

func (d *Decoder) acquire(cmd *Command, args [][]byte) Status {
	if st := d.request(cmd, args); st != Ready {
		return st
	}
	if st := d.options(cmd, args[3:], OptFresh|OptShared|OptDetect, OptTTL|OptMeta|OptQueue|OptPermits|OptReq); st != Ready {
		return st
	}
	if cmd.Opts&optsShare == optsShare {
		return d.bad(BadArg, sharedTwice)
	}
	if cmd.Has(OptQueue) && cmd.Queue == 0 {
		cmd.WaitMs = 0
	}
	return Ready
}

const (
	optsShare   = OptShared | OptPermits
	sharedTwice = "a lock is SHARED or has PERMITS, not both"
)

// request reads the first three arguments of a command that may wait.
func (d *Decoder) request(cmd *Command, args [][]byte) Status {
	if st := d.nameAndService(cmd, args, 3); st != Ready {
		return st
	}
	return set(d, &cmd.WaitMs, args[2], 0, WaitMaxMs, "timeout_ms must be a number from 0 to 86400000")
}

func (d *Decoder) upgrade(cmd *Command, args [][]byte) Status {
	if st := d.request(cmd, args); st != Ready {
		return st
	}
	cmd.Opts |= OptUpgrade
	return d.options(cmd, args[3:], 0, OptToken)
}

// onHold reads the arguments of RELEASE, HEARTBEAT and DOWNGRADE.
func (d *Decoder) onHold(cmd *Command, args [][]byte) Status {
	if st := d.nameAndService(cmd, args, 2); st != Ready {
		return st
	}
	if len(args) == 2 && cmd.Form == FormText && len(cmd.Tag) == 0 && isServiceHTTP(cmd.Service) {
		return d.usage(cmd.Verb) // checkForeign makes it Fatal
	}
	flags, valued := OptAll, OptToken|OptReq
	switch cmd.Verb {
	case VerbHeartbeat:
		flags, valued = OptShared, OptToken|OptTTL|OptCount|OptPermits
	case VerbDowngrade:
		flags, valued = 0, OptToken
		cmd.Opts |= OptUpgrade
	}
	if st := d.options(cmd, args[2:], flags, valued); st != Ready {
		return st
	}
	switch {
	case cmd.Has(OptToken):
	case cmd.Has(OptCount):
		return d.bad(BadArg, "COUNT needs the TOKEN of the hold that it is the count of")
	case cmd.Has(optsShare):
		return d.bad(BadArg, "SHARED and PERMITS need the TOKEN of the hold that they are about")
	}
	switch {
	case cmd.Opts&optsShare == optsShare:
		return d.bad(BadArg, sharedTwice)
	case cmd.Has(OptPermits) && cmd.Has(OptCount) && cmd.Count > cmd.Permits:
		return d.bad(BadArg, "COUNT can't be more than PERMITS")
	}
	return Ready
}

// onRequest reads the arguments of CANCEL and OUTCOME, which name a request. CANCEL can also name a
// wait of the connection by its tag.
func (d *Decoder) onRequest(cmd *Command, args [][]byte) Status {
	if cmd.Verb == VerbCancel && len(args) == 1 {
		if _, ok := tagOf(args[0]); !ok {
			return d.usage(VerbCancel)
		}
		cmd.Text = args[0]
		cmd.Opts |= OptText
		return Ready
	}
	if st := d.nameAndService(cmd, args, 4); st != Ready {
		return st
	}
	return d.options(cmd, args[2:], 0, OptReq)
}

func (d *Decoder) forceRelease(cmd *Command, args [][]byte) Status {
	if len(args) < 1 {
		return d.usage(VerbForceRelease)
	}
	if st := d.name(cmd, args[0]); st != Ready {
		return st
	}
	return d.options(cmd, args[1:], 0, OptToken|OptReason)
}

func (d *Decoder) locks(cmd *Command, args [][]byte) Status {
	for len(args) > 0 {
		opt := d.option(args)
		if opt&(OptHeld|OptContended) != 0 {
			if cmd.Opts&(OptHeld|OptContended) != 0 {
				return d.bad(BadArg, "LOCKS takes HELD or CONTENDED, once")
			}
			cmd.Opts |= opt
			args = args[1:]
			continue
		}
		if st := d.optionValue(cmd, opt&(OptPrefix|OptLimit|OptCursor), args); st != Ready {
			return st
		}
		args = args[2:]
	}
	return Ready
}

// sessionCommand reads the arguments of a command that names no lock.
func (d *Decoder) sessionCommand(cmd *Command, args [][]byte) Status {
	least, most := 0, 0
	switch cmd.Verb {
	case VerbQuit, VerbDeadlocks:
	case VerbAuth:
		least, most = 1, 1
		if cmd.Form == FormRESP {
			most = 2
		}
	case VerbDetail, VerbEcho:
		least, most = 1, 1
	case VerbHelp:
		most = 1
	case VerbPing:
		if cmd.Form == FormRESP {
			most = 1
		}
	case VerbInfo:
		if len(args) == 2 && isVersionOfHTTP(args[1]) {
			return d.usage(VerbInfo)
		}
		cmd.Args = args
		return Ready
	case VerbHello, VerbClient, VerbCommand, VerbConfig, VerbSelect, VerbReset,
		VerbMulti, VerbExec, VerbDiscard:
		cmd.Args = args
		return Ready
	case VerbWatch, VerbUnwatch, VerbNotify:
		return d.subscription(cmd, args)
	default:
		panic("BUG: verb without a grammar")
	}
	if len(args) < least || len(args) > most {
		return d.usage(cmd.Verb)
	}
	if cmd.Verb == VerbDetail {
		switch {
		case equalFold(args[0], "ON"):
			cmd.Opts |= OptOn
		case !equalFold(args[0], "OFF"):
			return d.usage(VerbDetail)
		}
	} else if len(args) > 0 {
		cmd.Text = args[len(args)-1]
		cmd.Opts |= OptText
	}
	return Ready
}

// subscription reads the prefix of WATCH, UNWATCH or NOTIFY. Clients of Redis send WATCH with any
// number of keys, and UNWATCH with none; the engine decides about these.
func (d *Decoder) subscription(cmd *Command, args [][]byte) Status {
	cmd.Args = args
	redis := cmd.Form == FormRESP && cmd.Verb != VerbNotify
	switch {
	case len(args) == 0 && cmd.Verb == VerbUnwatch:
	case len(args) == 0 || len(args) > 1 && !redis:
		return d.usage(cmd.Verb)
	case cmd.Verb == VerbNotify && len(args[0]) > ServiceMax:
		return d.bad(TooBig, "a prefix of services has at most 256 bytes")
	case len(args[0]) > NameMax:
		return d.bad(TooBig, "a prefix has at most 1024 bytes")
	}
	return Ready
}

// nameAndService reads the first two arguments of a command on a hold, which has at least so many.
func (d *Decoder) nameAndService(cmd *Command, args [][]byte, least int) Status {
	if len(args) < least {
		return d.usage(cmd.Verb)
	}
	cmd.Name, cmd.Service = args[0], args[1]
	if uint(len(cmd.Service)-1) < ServiceMax && uint(len(cmd.Name)-1) < NameMax {
		return Ready
	}
	return d.badNameOrService(cmd)
}

func (d *Decoder) badNameOrService(cmd *Command) Status {
	if st := d.service(cmd, cmd.Service); st != Ready {
		return st
	}
	return d.name(cmd, cmd.Name)
}

func (d *Decoder) service(cmd *Command, service []byte) Status {
	switch {
	case len(service) == 0:
		return d.bad(BadArg, "the service id is empty")
	case len(service) > ServiceMax:
		return d.bad(TooBig, "a service id has at most 256 bytes")
	}
	cmd.Service = service
	return Ready
}

func (d *Decoder) name(cmd *Command, name []byte) Status {
	switch {
	case len(name) == 0:
		return d.bad(BadArg, "the lock name is empty")
	case len(name) > NameMax:
		return d.bad(TooBig, "a lock name has at most 1024 bytes")
	}
	cmd.Name = name
	return Ready
}
