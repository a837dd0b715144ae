package codec

import "bytes"

// text decodes one line: word by word, unless bareLine can.
func (d *Decoder) text(b []byte, cmd *Command) (n int, st Status) {
	if b[0] == tlsHandshake {
		return len(b), d.fatal(BadArg, tlsProblem)
	}
	if words, end, n, ok := d.bareLine(b); ok {
		if end > LineMax {
			return n, d.longLine(b, cmd)
		}
		tagged := words > 0 && d.args[0][0] == '@'
		if words > 0 && !tagged && !d.PreAuth {
			args := d.args[:words]
			st = d.checkForeign(cmd, args, d.command(cmd, args)) // like line
			return n, notePong(b[:n], cmd, st)
		}
		return n, notePong(b[:n], cmd, d.line(cmd, words, tagged))
	}
	d.used = 0
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	tagged := i < len(b) && b[i] == '@'
	words, most := 0, d.argsMax()
	for {
		if i == len(b) {
			return d.unfinished(b, cmd)
		}
		switch c := b[i]; {
		case c == ' ' || c == '\t':
			i++
			continue
		case c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			n = i + 1
			if c == '\r' {
				n++
			}
			if i > LineMax {
				return n, d.longLine(b, cmd)
			}
			return n, notePong(b[:n], cmd, d.line(cmd, words, tagged))
		case words == most:
			return d.skipLine(b, cmd, TooBig, "too many words in one command")
		case c == '"':
			word, end, ok := d.quoted(b, i)
			if !ok {
				return d.skipLine(b, cmd, BadArg, quoteProblem)
			}
			d.args[words] = word
			i = end
		default:
			end := wordEnd(b, i+1)
			if end == len(b) {
				return d.unfinished(b, cmd)
			}
			if b[end] == '"' {
				return d.skipLine(b, cmd, BadArg, "a quote inside a bare word: put the whole word in quotes")
			}
			if b[end] == '\n' && b[end-1] == '\r' {
				end-- // the \r belongs to the end of the line
			}
			d.args[words] = b[i:end:end]
			i = end
		}
		words++
	}
}

// notePong notes a PING as probes of Redis send it, because HAProxy and others expect +PONG.
func notePong(line []byte, cmd *Command, st Status) Status {
	if cmd.Verb == VerbPing && st == Ready && len(cmd.Tag) == 0 && len(line) > 1 && line[len(line)-2] == '\r' {
		cmd.Opts |= OptPong
	}
	return st
}

// line makes a command of the words of a whole line.
func (d *Decoder) line(cmd *Command, words int, tagged bool) Status {
	if words == 0 {
		return Blank
	}
	args, sound := d.args[:words], true
	if tagged {
		cmd.Tag, sound = tagOf(args[0])
	}
	if d.PreAuth && tooLong(args, PreAuthWordMax) {
		return d.fatal(TooBig, "a word is longer than 1024 bytes before AUTH")
	}
	if tagged {
		if !sound {
			return d.bad(BadArg, "a tag is @ and 1 to 32 of A-Z a-z 0-9 . _ -")
		}
		if args = args[1:]; len(args) == 0 {
			return d.bad(BadArg, "a tag without a command")
		}
	}
	return d.checkForeign(cmd, args, d.command(cmd, args))
}

// tagOf returns the tag in a word, without the @.
func tagOf(word []byte) (tag []byte, ok bool) {
	if len(word) < 2 || len(word) > TagMax+1 || word[0] != '@' {
		return nil, false
	}
	for _, c := range word[1:] {
		if !inTag[c] {
			return nil, false
		}
	}
	return word[1:], true
}

func tooLong(args [][]byte, limit int) bool {
	for _, a := range args {
		if len(a) > limit {
			return true
		}
	}
	return false
}

const (
	lineProblem  = "line of more than 8192 bytes"
	quoteProblem = "a quoted word needs a closing quote with a blank behind it, and knows " +
		`\" \\ \n \r \t \xHH`
)

// wordEnd returns the index of the first blank, quote or end of line from i on, or len(b).
func wordEnd(b []byte, i int) int {
	for i < len(b) && !endsWord(b[i]) {
		i++
	}
	return i
}

func endsWord(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '"' }

// unfinished is called if the input ends within a line.
func (d *Decoder) unfinished(b []byte, cmd *Command) (int, Status) {
	if len(b) > LineMax+1 {
		return len(b), d.longLine(b, cmd)
	}
	return 0, Incomplete
}

// longLine is called for a line that is too long. b has at least its first LineMax bytes. Only
// these are searched for a tag, and a word that they cut is not a tag, because the answer must not
// depend on how much more has arrived.
func (d *Decoder) longLine(b []byte, cmd *Command) Status {
	if end := bytes.LastIndexAny(b[:LineMax], " \t"); end >= 0 {
		cmd.Tag, _ = tagOf(firstWord(b[:end]))
	}
	return d.fatal(TooBig, lineProblem)
}

// skipLine reports a problem within a line. The bytes after the line can be decoded.
func (d *Decoder) skipLine(b []byte, cmd *Command, code Code, msg string) (int, Status) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return d.unfinished(b, cmd)
	}
	line := bytes.TrimSuffix(b[:end], []byte{'\r'})
	if len(line) > LineMax {
		return end + 1, d.longLine(line, cmd)
	}
	if tag, ok := tagOf(firstWord(line)); ok {
		cmd.Tag = tag
	} else if problem := foreignLine(line); problem != "" {
		return end + 1, d.fatal(BadArg, problem)
	}
	if d.PreAuth && code == TooBig {
		return end + 1, d.fatal(code, msg, " before AUTH")
	}
	return end + 1, d.bad(code, msg)
}

// firstWord returns the first word of a line with its quotes and escapes.
func firstWord(line []byte) []byte {
	line = bytes.TrimLeft(line, " \t")
	if end := bytes.IndexAny(line, " \t"); end >= 0 {
		line = line[:end]
	}
	return line
}

// quoted reads the quoted word that starts at b[i]. It returns the word and the index after the
// closing quote, or len(b) if the input ends before the line.
func (d *Decoder) quoted(b []byte, i int) (word []byte, end int, ok bool) {
	i++
	for at := i; at < len(b); at++ {
		switch b[at] {
		case '"':
			return d.closed(b, b[i:at:at], at+1)
		case '\\':
			return d.escaped(b, i)
		case '\n':
			return nil, at, false
		}
	}
	return nil, len(b), true
}

// closed checks the byte after a closing quote.
func (d *Decoder) closed(b, word []byte, end int) ([]byte, int, bool) {
	if end == len(b) {
		return word, end, true
	}
	c := b[end]
	if c == '\r' {
		if end+1 == len(b) {
			return word, len(b), true
		}
		c = b[end+1]
		return word, end, c == '\n'
	}
	return word, end, c == ' ' || c == '\t' || c == '\n'
}

// escaped reads a quoted word with escapes into the scratch space. i is the index after the opening
// quote.
func (d *Decoder) escaped(b []byte, i int) ([]byte, int, bool) {
	start := d.used
	for at := i; at < len(b); at++ {
		c := b[at]
		switch c {
		case '"':
			return d.closed(b, d.scratch[start:d.used:d.used], at+1)
		case '\n':
			return nil, at, false
		case '\\':
			var size int
			if c, size = unescape(b[at+1:]); size == 0 {
				return nil, at, false
			}
			if at+size >= len(b) {
				return nil, len(b), bytes.IndexByte(b[at:], '\n') < 0
			}
			at += size
		}
		if d.used == len(d.scratch) {
			return nil, len(b), true // the line is too long
		}
		d.scratch[d.used] = c
		d.used++
	}
	return nil, len(b), true
}
