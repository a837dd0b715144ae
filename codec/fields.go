package codec

import (
	"bytes"
	"slices"
	"strconv"
)

// Fields begins an OK with fields. The caller adds them and calls End.
func (w *Writer) Fields() {
	if w.form == FormRESP {
		w.countedMap()
		return
	}
	w.lead()
	w.Buf = append(w.Buf, "OK"...)
	w.first = false
}

// Item begins one element of a List. The caller adds its fields and calls End.
func (w *Writer) Item() {
	if w.form == FormRESP {
		w.countedMap()
		return
	}
	w.lead()
	w.first = true
}

// countedMap begins a map whose fields are counted: End puts their number in the place of the 0.
func (w *Writer) countedMap() {
	w.fields, w.counted = 0, len(w.Buf)+1
	w.Map(0)
}

// End ends Fields or Item. There are at most 49 fields.
func (w *Writer) End() {
	if w.form == FormText {
		w.Buf = append(w.Buf, '\n')
		return
	}
	n := w.fields
	if !w.RESP3 {
		n *= 2
	}
	w.Buf[w.counted] = '0' + byte(n%10)
	if n >= 10 {
		w.Buf = slices.Insert(w.Buf, w.counted, '0'+byte(n/10))
	}
}

// Key begins a field. In RESP the caller may append any value.
func (w *Writer) Key(name string) {
	if w.form == FormRESP {
		w.fields++
		w.bulkString(name)
		return
	}
	if !w.first {
		w.Buf = append(w.Buf, ' ')
	}
	w.first = false
	w.Buf = append(append(w.Buf, name...), '=')
}

// Num appends a field with a number.
func (w *Writer) Num(name string, v int64) {
	w.Key(name)
	if w.form == FormRESP {
		w.Int(v)
	} else {
		w.Buf = strconv.AppendInt(w.Buf, v, 10)
	}
}

// Token appends a field with a fencing token, which is a number like others.
func (w *Writer) Token(name string, t Token) { w.Num(name, int64(t)) }

// Str appends a field with a string of a client. In text it is quoted.
func (w *Writer) Str(name string, v []byte) {
	w.Key(name)
	if w.form == FormRESP {
		w.Bulk(v)
	} else {
		w.Buf = AppendQuoted(w.Buf, v)
	}
}

// Word appends a field with a keyword.
func (w *Writer) Word(name, v string) {
	w.Key(name)
	if w.form == FormRESP {
		w.bulkString(v)
	} else {
		w.Buf = append(w.Buf, v...)
	}
}

// List begins an answer of n Items, which the caller adds. The cursor continues the listing; it is
// empty at the end.
func (w *Writer) List(n int, cursor []byte) {
	if w.form == FormRESP {
		w.Array(2)
		w.Bulk(cursor)
		w.Array(n)
		return
	}
	w.lineCount(n)
	w.Str("cursor", cursor)
	w.End()
}

// ListMore begins an answer of n Items, which the caller adds. more is how many it leaves out.
func (w *Writer) ListMore(n, more int) {
	if w.form == FormRESP {
		w.Array(2)
		w.Int(int64(more))
		w.Array(n)
		return
	}
	w.lineCount(n)
	if more > 0 {
		w.Num("more", int64(more))
	}
	w.End()
}

// Field is a number with its name.
type Field struct {
	Name  string
	Value int64
}

// View begins an answer of n Items, which the caller adds, with a cursor and with fields about the
// whole list. In RESP they are the second of three elements: cursor, fields, items.
func (w *Writer) View(n int, cursor []byte, fields ...Field) {
	if w.form == FormRESP {
		w.Array(3)
		w.Bulk(cursor)
		w.countedMap()
	} else {
		w.lineCount(n)
		w.Str("cursor", cursor)
	}
	for _, f := range fields {
		w.Num(f.Name, f.Value)
	}
	w.End()
	if w.form == FormRESP {
		w.Array(n)
	}
}

// Lines answers with lines of text.
func (w *Writer) Lines(lines []string) {
	if w.form == FormRESP {
		w.Array(len(lines))
		for _, line := range lines {
			w.bulkString(line)
		}
		return
	}
	w.lineCount(len(lines))
	w.End()
	for _, line := range lines {
		w.lead()
		w.Buf = append(append(w.Buf, line...), '\n')
	}
}

// lineCount begins the text of an answer of n lines. The caller may add fields, and calls End.
func (w *Writer) lineCount(n int) {
	w.Fields()
	w.Num("lines", int64(n))
}

// Info answers with a body of lines that end in CRLF: one bulk string in RESP, lines in text.
func (w *Writer) Info(body []byte) {
	if w.form == FormRESP {
		w.Bulk(body)
		return
	}
	w.lineCount(bytes.Count(body, crlf))
	w.End()
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, crlf)
		w.lead()
		w.Buf = append(append(w.Buf, line...), '\n')
		body = rest
	}
}

var crlf = []byte("\r\n")

// The methods below append pieces of RESP, for commands of that form only.

// Simple appends a simple string.
func (w *Writer) Simple(s string) {
	w.Buf = append(append(append(w.Buf, '+'), s...), "\r\n"...)
}

// Fault appends an error with a code of Redis that is not a Code.
func (w *Writer) Fault(code, msg string) {
	w.Buf = append(append(append(w.Buf, '-'), code...), ' ')
	w.Buf = append(appendLine(w.Buf, msg), "\r\n"...)
}

// Bulk appends a bulk string.
func (w *Writer) Bulk(b []byte) { w.Buf = appendBulk(w.Buf, b) }

func (w *Writer) bulkString(s string) { w.Buf = appendBulk(w.Buf, s) }

// Int appends an integer.
func (w *Writer) Int(v int64) {
	w.Buf = strconv.AppendInt(append(w.Buf, ':'), v, 10)
	w.Buf = append(w.Buf, "\r\n"...)
}

// Array begins an array of n elements.
func (w *Writer) Array(n int) { w.head('*', n) }

// Map begins a map of n pairs: in RESP2 an array of 2n elements.
func (w *Writer) Map(n int) {
	if w.RESP3 {
		w.head('%', n)
	} else {
		w.head('*', 2*n)
	}
}

// Null appends the null of the session's version.
func (w *Writer) Null() {
	if w.RESP3 {
		w.Buf = append(w.Buf, "_\r\n"...)
	} else {
		w.Buf = append(w.Buf, "$-1\r\n"...)
	}
}

func (w *Writer) head(kind byte, n int) { w.Buf = appendHead(w.Buf, kind, n) }
