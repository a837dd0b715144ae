package codec

// By is what the rows of TOP are sorted by.
type By uint8

const (
	ByWaiters By = iota // requests that wait
	ByWait              // how long a request has waited
	ByHeat              // waiting that has ended lately
	ByHold              // how long the lock is held
)

var byWords = [...]string{"WAITERS", "WAIT", "HEAT", "HOLD"}

// String returns the word on the wire.
func (b By) String() string { return byWords[b] }

// look reads the arguments of a command of operators.
func (d *Decoder) look(cmd *Command, args [][]byte) Status {
	valued := OptLimit
	switch cmd.Verb {
	case VerbTop:
		cmd.By, args = d.by(args)
	case VerbWaiters, VerbOwner:
		if len(args) == 0 {
			return d.usage(cmd.Verb)
		}
		if st := d.subject(cmd, args[0]); st != Ready {
			return st
		}
		args = args[1:]
		valued |= OptCursor
	case VerbEvents:
		valued |= OptSince
	case VerbClients:
		valued |= OptCursor
	case VerbDisconnect:
		if len(args) == 0 {
			return d.usage(cmd.Verb)
		}
		if st := set(d, &cmd.Number, args[0], 1, uint64(TokenMax), "a client is named by its number, as CLIENTS lists it"); st != Ready {
			return st
		}
		args = args[1:]
		valued = OptReason
	}
	if st := d.options(cmd, args, 0, valued); st != Ready {
		return st
	}
	switch {
	case cmd.Verb != VerbDisconnect:
	case !cmd.Has(OptReason):
		return d.usage(cmd.Verb)
	case len(cmd.Text) == 0:
		return d.bad(BadArg, "REASON must say why, because the audit keeps it")
	}
	return Ready
}

// subject reads the lock of WAITERS or the service of OWNER.
func (d *Decoder) subject(cmd *Command, word []byte) Status {
	if cmd.Verb == VerbWaiters {
		return d.name(cmd, word)
	}
	return d.service(cmd, word)
}

// by reads the order of TOP, if the arguments begin with one. Without one it is ByWaiters.
func (d *Decoder) by(args [][]byte) (By, [][]byte) {
	if len(args) > 0 {
		word := string(d.upper(args[0]))
		for by, name := range byWords {
			if word == name {
				return By(by), args[1:]
			}
		}
	}
	return ByWaiters, args
}
