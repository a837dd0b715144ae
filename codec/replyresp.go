package codec

import (
	"bytes"
	"math"
)

// Limits of replies in RESP.
const (
	replyDepthMax = 4       // arrays within arrays: LOCKS has two, COMMAND DOCS four
	replyBulkMax  = 1 << 30 // bytes of one bulk string
)

// parseReplyRESP is ParseReply for the RESP form.
func parseReplyRESP(b []byte, r *Reply) (n int, st Status) {
	n, st = valueLen(b, 0)
	if st != Ready {
		return 0, st
	}
	kind := b[0]
	head := bytes.IndexByte(b, '\r')
	switch kind {
	case '-':
		r.setError(b[1:head])
	case '+', ':':
		r.Kind, r.Text = ReplyValue, b[1:head]
		if string(b[:head]) == "+OK" {
			r.Kind, r.Text = ReplyOK, nil
		}
	case '*', '%', '>':
		r.Text = b[head+2 : n]
		count, _ := number(b[1:head], 0, math.MaxInt32)
		r.Count = int(count)
		switch {
		case kind == '%':
			r.Count *= 2
		case kind == '>':
			r.Kind = ReplyEvent
		case !isFields(r.Text, r.Count):
			r.Kind = ReplyValue
		}
	default: // a bulk string, or a null
		r.Kind = ReplyValue
		if kind == '$' && b[1] != '-' {
			r.Text = b[head+2 : n-2]
		}
	}
	return n, Ready
}

// isFields reports whether an array of RESP2 has the fields of an OK: names and values in turn.
func isFields(b []byte, count int) bool {
	if count == 0 || count%2 != 0 || b[0] != '$' {
		return false
	}
	for ; count > 0; count -= 2 {
		name, rest, ok := scalar(b)
		if !ok || b[0] != '$' || !isFieldName(name) {
			return false
		}
		if _, b, ok = scalar(rest); !ok {
			return false
		}
	}
	return true
}

// isFieldName reports whether a word looks like the name of a field: token, lease_ms.
func isFieldName(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(b) > 0
}

// valueLen returns the length of the value at the beginning of b.
func valueLen(b []byte, depth int) (n int, st Status) {
	if len(b) == 0 {
		return 0, Incomplete
	}
	head := bytes.IndexByte(b, '\r')
	if head < 0 || head+1 == len(b) {
		return 0, Incomplete
	}
	if b[head+1] != '\n' {
		return 0, Fatal
	}
	n = head + 2
	switch b[0] {
	case '+', '-', ':', '_', '#', ',':
		return n, Ready
	case '$', '*', '%', '>':
	default:
		return 0, Fatal
	}
	if string(b[1:head]) == "-1" {
		return n, Ready // the null of RESP2
	}
	size, ok := number(b[1:head], 0, replyBulkMax)
	switch {
	case !ok || depth == replyDepthMax:
		return 0, Fatal
	case b[0] == '$':
		return replyBulkEnd(b, n+int(size))
	case b[0] == '%':
		size *= 2
	}
	for ; size > 0; size-- {
		more, st := valueLen(b[n:], depth+1)
		if st != Ready {
			return 0, st
		}
		n += more
	}
	return n, Ready
}

// replyBulkEnd returns the index after a bulk string whose content ends at end.
func replyBulkEnd(b []byte, end int) (n int, st Status) {
	switch {
	case end+2 > len(b):
		return 0, Incomplete
	case b[end] != '\r' || b[end+1] != '\n':
		return 0, Fatal
	}
	return end + 2, Ready
}

// scalar returns the content of the string or number at the beginning of b, and what follows it.
func scalar(b []byte) (content, rest []byte, ok bool) {
	n, st := valueLen(b, 0)
	if st != Ready {
		return nil, nil, false
	}
	head := bytes.IndexByte(b, '\r')
	switch b[0] {
	case '+', ':':
		return b[1:head], b[n:], true
	case '$':
		if b[1] == '-' {
			return nil, b[n:], true
		}
		return b[head+2 : n-2], b[n:], true
	}
	return nil, b[n:], false
}
