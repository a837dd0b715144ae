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
	size  uint
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
	kind, at := w.holdKind(), uint(len(w.Buf))
	w.Buf = slices.Grow(w.Buf, holdMax)
	out := (*[holdMax]byte)(w.Buf[at : at+holdMax])
	w.Buf = w.Buf[:at+w.templates[kind][min(count, 1)].put(out, kind, &GrantReply{token, count, leaseMs})]
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

func (w *Writer) holdKind() int {
	switch {
	case w.form == FormText:
		return holdLine
	case w.RESP3:
		return holdRESP3
	}
	return holdRESP2
}

// put writes the reply, and returns its length. It writes the text with other low digits of the
// token, unless more differs.
func (h *replyTemplate) put(out *[holdMax]byte, kind int, r *GrantReply) uint {
	if more := r.Token - h.base; more < h.span && r.Count == h.count && r.LeaseMs == h.lease {
		*out = h.text
		binary.LittleEndian.PutUint64(out[h.low:], lowDigits(uint32(more)))
		return h.size
	}
	h.set(kind, r.Token, r.Count, r.LeaseMs)
	*out = h.text
	return h.size
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
	h.size = uint(len(append(strconv.AppendInt(append(b, p[2]...), leaseMs, 10), p[3]...)))
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
