package codec

import (
	"slices"
	"strconv"
)

// AppendCommand appends cmd in the wire form cmd.Form, as a client sends it. Decoding the result
// gives cmd again. A text command gets the tag cmd.Tag, if there is one; the RESP form has no tags.
//
// AppendCommand does not check limits: the decoder refuses a name that is too long.
func AppendCommand(dst []byte, cmd *Command) []byte {
	w := wordWriter{dst: dst, form: cmd.Form}
	if w.form == FormRESP {
		w.command(cmd)
		var head [8]byte
		return slices.Insert(w.dst, len(dst), appendHead(head[:0], '*', w.words)...)
	}
	if len(cmd.Tag) > 0 {
		w.dst = append(append(append(w.dst, '@'), cmd.Tag...), ' ')
	}
	w.command(cmd)
	if cmd.Has(OptPong) {
		w.dst = append(w.dst, '\r')
	}
	return append(w.dst, '\n')
}

// wordWriter appends the words of one command and counts them.
type wordWriter struct {
	dst   []byte
	form  Form
	words int
}

// word appends a word of a client. In text it is quoted if it can't be a bare word.
func (w *wordWriter) word(b []byte) {
	w.words++
	if w.form == FormRESP {
		w.dst = appendBulk(w.dst, b)
		return
	}
	w.space()
	if isBare(b) {
		w.dst = append(w.dst, b...)
	} else {
		w.dst = AppendQuoted(w.dst, b)
	}
}

// keyword appends a verb or the name of an option.
func (w *wordWriter) keyword(s string) {
	w.words++
	if w.form == FormRESP {
		w.dst = appendBulk(w.dst, s)
		return
	}
	w.space()
	w.dst = append(w.dst, s...)
}

// number appends a word of decimal digits.
func (w *wordWriter) number(v uint64) {
	var digits [20]byte
	w.word(strconv.AppendUint(digits[:0], v, 10))
}

// space separates a word from the one before it.
func (w *wordWriter) space() {
	if w.words > 1 {
		w.dst = append(w.dst, ' ')
	}
}

// command appends all words of cmd.
func (w *wordWriter) command(cmd *Command) {
	w.keyword(cmd.Verb.String())
	switch cmd.Verb {
	case VerbAcquire, VerbUpgrade:
		w.word(cmd.Name)
		w.word(cmd.Service)
		w.number(uint64(cmd.WaitMs))
	case VerbRelease, VerbHeartbeat, VerbDowngrade, VerbOutcome:
		w.word(cmd.Name)
		w.word(cmd.Service)
	case VerbCancel:
		if cmd.Has(OptReq) {
			w.word(cmd.Name)
			w.word(cmd.Service)
		}
	case VerbTop:
		w.keyword(cmd.By.String())
	case VerbOwner:
		w.word(cmd.Service)
	case VerbDisconnect:
		w.number(cmd.Number)
	case VerbStatus, VerbHolders, VerbForceRelease, VerbWaiters:
		w.word(cmd.Name)
	case VerbDetail:
		if cmd.Has(OptOn) {
			w.keyword("ON")
		} else {
			w.keyword("OFF")
		}
	case VerbInfo, VerbHello, VerbClient, VerbCommand, VerbConfig, VerbSelect, VerbReset,
		VerbMulti, VerbExec, VerbDiscard, VerbWatch, VerbUnwatch, VerbNotify:
		for _, arg := range cmd.Args {
			w.word(arg)
		}
	}
	w.options(cmd)
}

// options appends the options of cmd, each with its value.
func (w *wordWriter) options(cmd *Command) {
	if cmd.Has(OptText) {
		w.word(cmd.Text)
	}
	if cmd.Has(OptPrefix) {
		w.keyword("PREFIX")
		w.word(cmd.Name)
	}
	w.flagOption(cmd, OptHeld, "HELD")
	w.flagOption(cmd, OptContended, "CONTENDED")
	w.flagOption(cmd, OptFresh, "FRESH")
	w.flagOption(cmd, OptAll, "ALL")
	w.flagOption(cmd, OptShared, "SHARED")
	w.flagOption(cmd, OptDetect, "DETECT")
	w.numberOption(cmd, OptPermits, "PERMITS", uint64(cmd.Permits))
	w.numberOption(cmd, OptQueue, "QUEUE", uint64(cmd.Queue))
	w.numberOption(cmd, OptSince, "SINCE", cmd.Number)
	w.numberOption(cmd, OptLimit, "LIMIT", uint64(cmd.Limit))
	w.numberOption(cmd, OptToken, "TOKEN", uint64(cmd.Token))
	w.numberOption(cmd, OptCount, "COUNT", uint64(cmd.Count))
	w.numberOption(cmd, OptTTL, "TTL", uint64(cmd.TTLMs))
	w.wordOption(cmd, OptReq, "REQ", cmd.Req)
	w.wordOption(cmd, OptMeta, "META", cmd.Text)
	w.wordOption(cmd, OptReason, "REASON", cmd.Text)
	w.wordOption(cmd, OptCursor, "CURSOR", cmd.Text)
}

func (w *wordWriter) flagOption(cmd *Command, opt Opts, name string) {
	if cmd.Has(opt) {
		w.keyword(name)
	}
}

func (w *wordWriter) numberOption(cmd *Command, opt Opts, name string, value uint64) {
	if cmd.Has(opt) {
		w.keyword(name)
		w.number(value)
	}
}

func (w *wordWriter) wordOption(cmd *Command, opt Opts, name string, value []byte) {
	if cmd.Has(opt) {
		w.keyword(name)
		w.word(value)
	}
}

// isBare reports whether a word needs no quotes in a line of text.
func isBare(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || c == '"' {
			return false
		}
	}
	return len(b) > 0
}

// appendHead appends the head of a RESP array or bulk string.
func appendHead(dst []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(dst, kind), int64(n), 10), '\r', '\n')
}

// appendBulk appends a bulk string of RESP.
func appendBulk[T string | []byte](dst []byte, word T) []byte {
	return append(append(appendHead(dst, '$', len(word)), word...), '\r', '\n')
}
