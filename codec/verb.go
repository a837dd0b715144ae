package codec

// verbOf returns the verb that the word in upper case names, or VerbNone.
func verbOf(word []byte) Verb {
	switch string(word) {
	case "ACQUIRE":
		return VerbAcquire
	case "RELEASE":
		return VerbRelease
	case "HEARTBEAT":
		return VerbHeartbeat
	case "STATUS":
		return VerbStatus
	case "FORCE-RELEASE":
		return VerbForceRelease
	case "AUTH":
		return VerbAuth
	case "LOCKS":
		return VerbLocks
	case "DETAIL":
		return VerbDetail
	case "PING":
		return VerbPing
	case "INFO":
		return VerbInfo
	case "HELP":
		return VerbHelp
	case "QUIT":
		return VerbQuit
	case "HELLO":
		return VerbHello
	case "CLIENT":
		return VerbClient
	case "COMMAND":
		return VerbCommand
	case "CONFIG":
		return VerbConfig
	case "SELECT":
		return VerbSelect
	case "ECHO":
		return VerbEcho
	case "RESET":
		return VerbReset
	case "MULTI":
		return VerbMulti
	case "EXEC":
		return VerbExec
	case "DISCARD":
		return VerbDiscard
	case "WATCH":
		return VerbWatch
	case "UNWATCH":
		return VerbUnwatch
	}
	return VerbNone
}

// upper returns the word in upper case, in the decoder's own memory; nil if it
// is longer than any keyword.
func (d *Decoder) upper(word []byte) []byte {
	if len(word) > len(d.letters) {
		return nil
	}
	for i, c := range word {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		d.letters[i] = c
	}
	return d.letters[:len(word)]
}

// usage is the problem of a wrong number of arguments.
func (d *Decoder) usage(verb Verb) Status { return d.bad(BadArg, usageOf(verb)) }

// unknown is the problem of a command that does not exist.
func (d *Decoder) unknown(cmd *Command, word []byte) Status {
	d.bad(Unknown, "unknown command '")
	d.msg = appendShort(d.msg, word)
	d.msg = append(d.msg, '\'')
	if near := nearest(d.upper(word), cmd.Form); near != "" {
		d.msg = append(append(d.msg, ", did you mean "...), near...)
		d.msg = append(d.msg, '?')
	}
	return Bad
}

// shortMax is how much of a client's word an error repeats.
const shortMax = 32

// appendShort appends the beginning of a word, made printable.
func appendShort(dst, word []byte) []byte {
	for i, c := range word {
		if i == shortMax {
			return append(dst, "..."...)
		}
		if c < 0x20 || c > 0x7e || c == '\'' {
			c = '?'
		}
		dst = append(dst, c)
	}
	return dst
}
