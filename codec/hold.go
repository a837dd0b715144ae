package codec

// How the fields of a hold are written.
const (
	holdLine = iota
	holdRESP2
	holdRESP3
)

// What stands before, between and behind token, count and lease.
var holdParts = [...][4]string{
	holdLine:  {"OK token=", " count=", " lease_ms=", "\n"},
	holdRESP2: {"*6\r\n$5\r\ntoken\r\n$", "\r\n$5\r\ncount\r\n:", "\r\n$8\r\nlease_ms\r\n:", "\r\n"},
	holdRESP3: {"%3\r\n$5\r\ntoken\r\n$", "\r\n$5\r\ncount\r\n:", "\r\n$8\r\nlease_ms\r\n:", "\r\n"},
}

// lowDigits is how many digits at the end of a token are written anew each time.
const (
	lowDigits = 8
	lowBase   = 100_000_000
)

// holdText keeps what replies about holds have in common with the last ones of
// their kind: all tokens of a start begin with the same digits for long, and
// most holds have one count and a full lease, or none.
type holdText struct {
	high  uint64 // the token's digits but the low ones
	head  []byte // the reply up to and with them
	tails [2]holdTail
}

// holdTail is the reply behind the token.
type holdTail struct {
	count uint32
	lease int64
	text  []byte
}

// Hold answers OK with the fields of a hold.
func (w *Writer) Hold(token Token, count uint32, leaseMs int64) {
	kind := holdLine
	switch {
	case w.form == FormText:
		w.lead()
	case w.RESP3:
		kind = holdRESP3
	default:
		kind = holdRESP2
	}
	h := &w.holds[kind]
	if high := uint64(token) / lowBase; high != h.high || high == 0 {
		h.setHead(kind, token)
	}
	t := &h.tails[min(count, 1)]
	if t.count != count || t.lease != leaseMs || len(t.text) == 0 {
		t.set(kind, count, leaseMs)
	}
	b := append(w.Buf, h.head...)
	if h.high != 0 {
		b = appendLowDigits(b, uint32(uint64(token)%lowBase))
	}
	w.Buf = append(b, t.text...)
}

// setHead writes the beginning of the reply anew: with all of a token that has
// no more than the low digits.
func (h *holdText) setHead(kind int, token Token) {
	h.high = uint64(token) / lowBase
	h.head = append(h.head[:0], holdParts[kind][0]...)
	if kind != holdLine {
		h.head = append(appendDecimal(h.head, uint64(decimalLen(uint64(token)))), "\r\n"...)
	}
	if h.high != 0 {
		h.head = appendDecimal(h.head, h.high)
	} else {
		h.head = appendDecimal(h.head, uint64(token))
	}
}

func (t *holdTail) set(kind int, count uint32, leaseMs int64) {
	p := &holdParts[kind]
	t.count, t.lease = count, leaseMs
	b := appendDecimal(append(t.text[:0], p[1]...), uint64(count))
	t.text = append(appendInt(append(b, p[2]...), leaseMs), p[3]...)
}

// appendLowDigits appends v, below lowBase, with leading zeros.
func appendLowDigits(b []byte, v uint32) []byte {
	high, low := v/10_000, v%10_000
	p, q, r, s := high/100*2, high%100*2, low/100*2, low%100*2
	return append(b, pairs[p], pairs[p+1], pairs[q], pairs[q+1], pairs[r], pairs[r+1], pairs[s], pairs[s+1])
}
