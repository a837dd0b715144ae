package codec

import (
	"encoding/binary"
	"slices"
	"strconv"
)

// The parts of a reply about a hold.
const (
	holdLine = iota
	holdRESP2
	holdRESP3
)

// holdParts are the bytes before, between and after token, count and lease.
var holdParts = [...][4]string{
	holdLine:  {"OK token=", " count=", " lease_ms=", "\n"},
	holdRESP2: {"*6\r\n$5\r\ntoken\r\n:", "\r\n$5\r\ncount\r\n:", "\r\n$8\r\nlease_ms\r\n:", "\r\n"},
	holdRESP3: {"%3\r\n$5\r\ntoken\r\n:", "\r\n$5\r\ncount\r\n:", "\r\n$8\r\nlease_ms\r\n:", "\r\n"},
}

// lowLen is how many digits at the end of a token are written each time.
const (
	lowLen  = 8
	lowBase = 100_000_000
)

// replyTemplate is the last reply of its kind about a hold. The next one usually differs only in
// the last digits of the token, because all tokens of a start begin with the same digits for a long
// time, and most holds have one count and a full lease, or none.
type replyTemplate struct {
	base  Token // the token of the text with zeros as low digits
	span  Token // number of tokens from base on whose text differs only in the low digits
	count uint32
	lease int64
	low   int // index of the low digits in text
	size  int
	text  [holdMax]byte // the whole reply, of size bytes
}

// holdMax is at least the length of the longest reply: 16 bytes, a token of 16 digits, 14 bytes, 10
// digits, 17 bytes, 20 of a lease, \r\n. Memory of this size is copied quickly.
const holdMax = 96

// GrantReply has the fields of a reply about a hold.
type GrantReply struct {
	Token   Token
	Count   uint32 // acquires less releases, 0 after the last release
	LeaseMs int64  // rest of the lease, 0 after the last release
}

// Hold answers OK with the fields of a hold.
func (w *Writer) Hold(token Token, count uint32, leaseMs int64) {
	if w.form == FormText {
		w.lead()
	}
	h := w.replyTemplate(count)
	if low, ok := h.sameBut(token, count, leaseMs); ok {
		w.Buf = h.append(w.Buf, low)
		return
	}
	h.set(w.holdKind(), token, count, leaseMs)
	w.Buf = append(w.Buf, h.text[:h.size]...)
}

// HoldAfterWait answers OK with the fields of a hold that was granted after a wait of waitedMs.
func (w *Writer) HoldAfterWait(token Token, count uint32, leaseMs int64, waitedMs uint32) {
	w.Fields()
	w.Token("token", token)
	w.Num("count", int64(count))
	w.Num("lease_ms", leaseMs)
	w.Num("waited_ms", int64(waitedMs))
	w.End()
}

// Holds is Start and Hold for commands of one form without a tag.
func (w *Writer) Holds(form Form, held []GrantReply) {
	w.Start(form, nil)
	texts, buf := &w.templates[w.holdKind()], w.Buf
	for i := range held {
		r := &held[i]
		h := &texts[min(r.Count, 1)]
		if low, ok := h.sameBut(r.Token, r.Count, r.LeaseMs); ok {
			buf = h.append(buf, low)
			continue
		}
		h.set(w.holdKind(), r.Token, r.Count, r.LeaseMs)
		buf = append(buf, h.text[:h.size]...)
	}
	w.Buf = buf
}

func (w *Writer) holdKind() int {
	switch {
	case w.form == FormText:
		return holdLine
	case w.RESP3:
		return holdRESP3
	}
	return holdRESP2
}

func (w *Writer) replyTemplate(count uint32) *replyTemplate {
	return &w.templates[w.holdKind()][min(count, 1)]
}

// sameBut reports whether a reply differs from the text only in the low digits of the token, and
// returns these.
func (h *replyTemplate) sameBut(token Token, count uint32, leaseMs int64) (low uint32, ok bool) {
	more := token - h.base
	return uint32(more), more < h.span && count == h.count && leaseMs == h.lease
}

// append appends the text with other low digits of the token.
func (h *replyTemplate) append(buf []byte, low uint32) []byte {
	n := len(buf)
	if cap(buf)-n < holdMax {
		buf = slices.Grow(buf, holdMax)
	}
	b := buf[n : n+holdMax]
	*(*[holdMax]byte)(b) = h.text
	binary.LittleEndian.PutUint64(b[h.low:], lowDigits(low))
	return buf[:n+h.size]
}

// set writes the whole reply into the template, with that token.
func (h *replyTemplate) set(kind int, token Token, count uint32, leaseMs int64) {
	p := &holdParts[kind]
	h.base, h.span, h.count, h.lease = token/lowBase*lowBase, lowBase, count, leaseMs
	if h.base == 0 { // a shorter number
		h.span = 0
	}
	b := append(h.text[:0], p[0]...)
	b = strconv.AppendUint(b, uint64(token), 10)
	h.low = len(b) - lowLen
	b = strconv.AppendUint(append(b, p[1]...), uint64(count), 10)
	h.size = len(append(strconv.AppendInt(append(b, p[2]...), leaseMs, 10), p[3]...))
}

// lowDigits returns the digits of v, below lowBase, with leading zeros, the first in the lowest
// byte. It makes them in lanes of one number: two lanes of four digits, four of two, eight of one.
// A product with 2^k/d, rounded up, divides each lane by d.
func lowDigits(v uint32) uint64 {
	x := uint64(v/10_000) | uint64(v%10_000)<<32
	high := x * 10_486 >> 20 & 0x7f_0000_007f // by 100; lanes below 10,000
	x = high | (x-high*100)<<16
	high = x * 103 >> 10 & 0xf_000f_000f_000f // by 10; lanes below 100
	x = high | (x-high*10)<<8
	return x | 0x3030_3030_3030_3030
}
