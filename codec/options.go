package codec

// options reads the options that the command may have. flags are options without a value; valued
// are those with one.
func (d *Decoder) options(cmd *Command, args [][]byte, flags, valued Opts) Status {
	for len(args) > 0 {
		opt := d.option(args)
		if opt&flags == 0 {
			if st := d.optionValue(cmd, opt&valued, args); st != Ready {
				return st
			}
			args = args[2:]
			continue
		}
		if cmd.Has(opt) {
			return d.bad(BadArg, optionTwice)
		}
		cmd.Opts |= opt
		args = args[1:]
	}
	return Ready
}

const optionTwice = "an option is given twice"

// option returns the bit of the option that args begin with, 0 if unknown.
func (d *Decoder) option(args [][]byte) Opts {
	switch string(d.upper(args[0])) {
	case "TOKEN":
		return OptToken
	case "REQ":
		return OptReq
	case "TTL":
		return OptTTL
	case "COUNT":
		return OptCount
	case "META":
		return OptMeta
	case "REASON":
		return OptReason
	case "PREFIX":
		return OptPrefix
	case "HELD":
		return OptHeld
	case "CONTENDED":
		return OptContended
	case "LIMIT":
		return OptLimit
	case "CURSOR":
		return OptCursor
	case "FRESH":
		return OptFresh
	case "QUEUE":
		return OptQueue
	case "SINCE":
		return OptSince
	case "ALL":
		return OptAll
	case "SHARED":
		return OptShared
	case "PERMITS":
		return OptPermits
	case "DETECT":
		return OptDetect
	}
	return 0
}

// optionValue reads the value of an option. opt is 0 if the command does not have the option.
func (d *Decoder) optionValue(cmd *Command, opt Opts, args [][]byte) Status {
	switch {
	case opt == 0:
		d.bad(BadArg, "unknown option '")
		d.msg = AppendShort(d.msg, args[0])
		d.msg = append(append(d.msg, "': "...), usageOf(cmd.Verb)...)
		return Bad
	case cmd.Has(opt):
		return d.bad(BadArg, optionTwice)
	case len(args) < 2:
		return d.usage(cmd.Verb)
	}
	cmd.Opts |= opt
	value := args[1]
	switch opt {
	case OptToken:
		return set(d, &cmd.Token, value, 1, uint64(TokenMax), "TOKEN must be a number from 1 to 9007199254740991")
	case OptTTL:
		return set(d, &cmd.TTLMs, value, TTLMinMs, TTLMaxMs, "TTL must be a number from 100 to 86400000, in milliseconds")
	case OptCount:
		return set(d, &cmd.Count, value, 1, CountMax, "COUNT must be a number from 1 to 2147483647")
	case OptLimit:
		return set(d, &cmd.Limit, value, 1, ListMax, "LIMIT must be a number from 1 to 1000")
	case OptQueue:
		return set(d, &cmd.Queue, value, 0, CountMax, "QUEUE must be a number from 0 to 2147483647")
	case OptPermits:
		return set(d, &cmd.Permits, value, 1, PermitsMax, "PERMITS must be a number from 1 to 1000000")
	case OptSince:
		return set(d, &cmd.Number, value, 0, uint64(TokenMax), "SINCE must be a number from 0 to 9007199254740991")
	case OptReq:
		if len(value) == 0 {
			return d.bad(BadArg, "REQ needs an id of 1 to 64 bytes")
		}
		if len(value) > ReqMax {
			return d.bad(TooBig, "the id of REQ has at most 64 bytes")
		}
		cmd.Req = value
	case OptMeta, OptReason:
		if len(value) > MetaMax {
			return d.bad(TooBig, "META and REASON have at most 512 bytes")
		}
		cmd.Text = value
	case OptCursor:
		cmd.Text = value
	case OptPrefix:
		if len(value) > NameMax {
			return d.bad(TooBig, "a prefix has at most 1024 bytes")
		}
		cmd.Name = value
	default:
		panic("BUG: option without a value")
	}
	return Ready
}

// set reads a number within least and most into a field. Otherwise it answers with the problem.
func set[T ~uint32 | ~uint64 | ~int](d *Decoder, field *T, value []byte, least, most uint64, problem string) Status {
	n, ok := number(value, least, most)
	if !ok {
		return d.bad(BadArg, problem)
	}
	*field = T(n)
	return Ready
}

// number reads plain decimal digits within least and most.
func number(b []byte, least, most uint64) (v uint64, ok bool) {
	if len(b) == 0 || len(b) > 19 { // 19 digits can't overflow 64 bits
		return 0, false
	}
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	return v, v >= least && v <= most
}
