package codec

import "bytes"

// headerMax is the most bytes of a RESP header line, without its end: a type byte and a number
// within any limit.
const headerMax = 12

const frameProblem = "command of more than 65536 bytes"

// resp decodes an array of bulk strings. It checks lengths against their limits as soon as they are
// read, before it waits for any payload.
func (d *Decoder) resp(b []byte, cmd *Command) (n int, st Status) {
	b = b[:min(len(b), FrameMax)] // a longer array is too big
	count, at, st := d.header(b, 0, '*')
	if st != Ready {
		return d.broken(b, st)
	}
	if count <= 0 {
		return at, Blank
	}
	if count > d.argsMax() {
		return len(b), d.fatal(TooBig, "too many arguments in one command")
	}
	for i := range count {
		size, start, st := d.header(b, at, '$')
		switch {
		case st != Ready:
			return d.broken(b, st)
		case size < 0:
			return len(b), d.fatal(BadArg, "Protocol error: negative length of a bulk string")
		case d.PreAuth && size > PreAuthWordMax:
			return len(b), d.fatal(TooBig, "an argument is longer than 1024 bytes before AUTH")
		case size > LineMax:
			return len(b), d.fatal(TooBig, "an argument is longer than 8192 bytes")
		case start+size+2 > FrameMax:
			return len(b), d.fatal(TooBig, frameProblem)
		}
		end := start + size
		switch {
		case end < len(b) && b[end] != '\r', end+1 < len(b) && b[end+1] != '\n':
			return len(b), d.fatal(BadArg, "Protocol error: a bulk string is not ended by CRLF")
		case end+2 > len(b):
			return 0, Incomplete
		}
		d.args[i] = b[start:end:end]
		at = end + 2
	}
	return at, d.command(cmd, d.args[:count])
}

// broken ends resp at a header that is incomplete or malformed.
func (d *Decoder) broken(b []byte, st Status) (int, Status) {
	if st == Incomplete && len(b) < FrameMax {
		return 0, Incomplete
	}
	if st == Incomplete {
		st = d.fatal(TooBig, frameProblem)
	}
	return len(b), st
}

// header reads a line of a type byte and a number at b[at]. It returns the number and the index
// after the line. It reads the usual numbers, of one and two digits, itself.
func (d *Decoder) header(b []byte, at int, kind byte) (v, next int, st Status) {
	if h := b[at:]; len(h) >= 5 && h[0] == kind && h[1]-'0' <= 9 {
		v = int(h[1] - '0')
		if h[2] == '\r' && h[3] == '\n' {
			return v, at + 4, Ready
		}
		if h[2]-'0' <= 9 && h[3] == '\r' && h[4] == '\n' {
			return v*10 + int(h[2]-'0'), at + 5, Ready
		}
	}
	return d.anyHeader(b, at, kind)
}

// anyHeader is header for numbers of any length, and for lines without a number.
func (d *Decoder) anyHeader(b []byte, at int, kind byte) (v, next int, st Status) {
	if at == len(b) {
		return 0, at, Incomplete
	}
	if b[at] != kind {
		if kind == '$' {
			return 0, at, d.fatal(BadArg, "Protocol error: expected '$'")
		}
		return 0, at, d.fatal(BadArg, "Protocol error: expected '*'")
	}
	i := at + 1
	negative := false
	if i < len(b) && b[i] == '-' {
		negative = true
		i++
	}
	digits := i
	for ; i < len(b) && b[i] != '\r'; i++ {
		c := b[i] - '0'
		if c > 9 || i-at > headerMax {
			return 0, at, d.fatal(BadArg, "Protocol error: invalid length")
		}
		// a larger number exceeds every limit, and could overflow 32 bits
		v = min(v*10+int(c), FrameMax)
	}
	switch {
	case i < len(b) && i == digits, i+1 < len(b) && b[i+1] != '\n':
		return 0, at, d.fatal(BadArg, "Protocol error: invalid length")
	case i+1 >= len(b):
		return 0, at, Incomplete
	}
	if negative {
		v = -v
	}
	return v, i + 2, Ready
}

// equalFold compares a word with a keyword in upper case.
func equalFold(word []byte, keyword string) bool {
	return len(word) == len(keyword) && (string(word) == keyword || bytes.EqualFold(word, []byte(keyword)))
}
