package codec

import "bytes"

// ReplyKind is the kind of a Reply.
type ReplyKind uint8

const (
	ReplyOK    ReplyKind = iota // OK, with or without fields
	ReplyError                  // an error: Reply.Word, Reply.Code, Reply.Text
	ReplyEvent                  // an EVENT line, or a push of RESP3, which answers no command
	ReplyItem                   // one line of an answer of several lines; text only
	ReplyValue                  // any other value of RESP: a string, a number, an array, a null
)

// Reply is one reply of a server. Its slices alias the input.
type Reply struct {
	Kind ReplyKind
	Form Form
	Tag  []byte // of a text reply; empty: untagged
	Code Code   // of an error; Internal if this version does not know the word
	Word []byte // of an error: the code as written on the wire
	// Text is the rest of the line after OK, the error's code, or EVENT. In RESP it is the content
	// of a string or number, or the elements of an array or map.
	Text  []byte
	Count int // elements of a RESP array; a map has two for each field
}

// ParseReply reads the first reply of b and returns how many bytes it took. It returns 0 and
// Incomplete if the reply is not whole. Fatal means that b does not begin with a reply of this
// form; the rest can't be read either.
//
// In the text form an answer of several lines is one reply per line: OK with fields, and the items.
// A client that knows its commands can tell items and events from replies.
func ParseReply(b []byte, form Form, r *Reply) (n int, st Status) {
	*r = Reply{Form: form}
	if form == FormRESP {
		return parseReplyRESP(b, r)
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return 0, Incomplete
	}
	line := bytes.TrimSuffix(b[:end], []byte{'\r'})
	if len(line) > 0 && line[0] == '@' {
		tag, rest, ok := bytes.Cut(line[1:], []byte{' '})
		if !ok || len(tag) == 0 {
			return 0, Fatal
		}
		r.Tag, line = tag, rest
	}
	word, rest, _ := bytes.Cut(line, []byte{' '})
	switch string(word) {
	case "OK":
		r.Text = rest
	case "ERROR":
		r.setError(rest)
	case "EVENT":
		r.Kind, r.Text = ReplyEvent, rest
	default:
		r.Kind, r.Text = ReplyItem, line
	}
	return end + 1, Ready
}

// setError parses an error: the code, the data and the words.
func (r *Reply) setError(b []byte) {
	r.Kind = ReplyError
	r.Word, r.Text, _ = bytes.Cut(b, []byte{' '})
	r.Code = Internal
	for code, word := range codeWords {
		if string(r.Word) == word {
			r.Code = Code(code)
		}
	}
	if string(r.Word) == "ERR" { // Redis' word for UNKNOWN
		r.Code = Unknown
	}
}

// Field returns the value of the field with that name, or false if the reply has none. A string of
// the text form is still quoted: see AppendUnquoted.
func (r *Reply) Field(name string) (value []byte, ok bool) {
	for rest := r.Text; len(rest) > 0; {
		var key []byte
		if key, value, rest, ok = nextField(rest, r.Form); !ok {
			return nil, false
		}
		if string(key) == name {
			return value, true
		}
	}
	return nil, false
}

// Number returns the value of a field if it is a number of at most 19 digits.
func (r *Reply) Number(name string) (v uint64, ok bool) {
	value, ok := r.Field(name)
	if !ok {
		return 0, false
	}
	return number(value, 0, 1<<63-1)
}

// nextField parses the first field of b: name=value in text, two elements in RESP.
func nextField(b []byte, form Form) (name, value, rest []byte, ok bool) {
	if form == FormRESP {
		if name, b, ok = scalar(b); !ok {
			return nil, nil, nil, false
		}
		value, rest, ok = scalar(b)
		return name, value, rest, ok
	}
	name, b, ok = bytes.Cut(b, []byte{'='})
	if !ok {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(b, ' ')
	if len(b) > 0 && b[0] == '"' {
		if end = quotedLen(b); end < 0 {
			return nil, nil, nil, false
		}
	}
	if end < 0 || end == len(b) {
		return name, b, nil, true
	}
	return name, b[:end], bytes.TrimLeft(b[end:], " "), true
}

// quotedLen returns the length of the quoted string at the beginning of b, or -1 if it has no end.
func quotedLen(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// AppendUnquoted appends the string that a word means: a bare word itself, a quoted word without
// quotes and escapes. It returns false if AppendQuoted can't have written the word.
func AppendUnquoted(dst, word []byte) ([]byte, bool) {
	if len(word) == 0 || word[0] != '"' {
		return append(dst, word...), true
	}
	if quotedLen(word) != len(word) {
		return dst, false
	}
	for b := word[1 : len(word)-1]; len(b) > 0; {
		if b[0] != '\\' {
			dst, b = append(dst, b[0]), b[1:]
			continue
		}
		c, size := unescape(b[1:])
		if size == 0 || size >= len(b) {
			return dst, false
		}
		dst, b = append(dst, c), b[1+size:]
	}
	return dst, true
}
