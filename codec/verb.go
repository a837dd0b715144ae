package codec

import "slices"

// verbOf returns the verb whose word in upper case this is, or VerbNone.
func verbOf(word []byte) Verb {
	switch string(word) {
	case "ACQUIRE":
		return VerbAcquire
	case "RELEASE":
		return VerbRelease
	case "HEARTBEAT":
		return VerbHeartbeat
	case "UPGRADE":
		return VerbUpgrade
	case "DOWNGRADE":
		return VerbDowngrade
	case "STATUS":
		return VerbStatus
	case "HOLDERS":
		return VerbHolders
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
	case "CANCEL":
		return VerbCancel
	case "OUTCOME":
		return VerbOutcome
	case "TOP":
		return VerbTop
	case "WAITERS":
		return VerbWaiters
	case "OWNER":
		return VerbOwner
	case "EVENTS":
		return VerbEvents
	case "CLIENTS":
		return VerbClients
	case "DISCONNECT":
		return VerbDisconnect
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
	case "NOTIFY":
		return VerbNotify
	case "DEADLOCKS":
		return VerbDeadlocks
	}
	return VerbNone
}

// verbWords are the words of verbOf, as Docs and Refused have them.
var verbWords = makeVerbWords()

func makeVerbWords() (words [VerbCount]string) {
	words[VerbNone] = "NONE"
	for _, doc := range slices.Concat(Docs[:], Refused[:]) {
		words[doc.Verb] = doc.Name
	}
	return words
}

// String returns the word of the verb on the wire.
func (v Verb) String() string { return verbWords[v] }

// upper returns the word in upper case, in memory of the decoder. It returns nil if the word is
// longer than any keyword.
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

// usage reports a wrong number of arguments.
func (d *Decoder) usage(verb Verb) Status { return d.bad(BadArg, usageOf(verb)) }

// unknown reports a command that does not exist. In RESP it uses the words of Redis.
func (d *Decoder) unknown(cmd *Command, words [][]byte) Status {
	d.bad(Unknown, "unknown command '")
	d.msg = AppendShort(d.msg, words[0])
	d.msg = append(d.msg, '\'')
	before := ", did you mean "
	if cmd.Form == FormRESP {
		before = before[2:]
		d.msg = append(d.msg, ", with args beginning with: "...)
		most := len(d.msg) + argsShown
		for _, arg := range words[1:] {
			if len(d.msg) < most {
				d.msg = append(AppendShort(append(d.msg, '\''), arg), "' "...)
			}
		}
	}
	if near := nearest(d.upper(words[0]), cmd.Form); near != "" {
		d.msg = append(append(d.msg, before...), near...)
		d.msg = append(d.msg, '?')
	}
	return Bad
}

// argsShown is the length in bytes after which an error repeats no further arguments, as in Redis.
const argsShown = 128

// shortMax is how many bytes of a client's word an error repeats.
const shortMax = 32

// AppendShort appends the beginning of a word, made printable.
func AppendShort(dst, word []byte) []byte {
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
