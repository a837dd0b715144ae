package codec

// AppendUncounted appends a HEARTBEAT without tag as it came, in its form, but
// without COUNT.
func AppendUncounted(dst []byte, cmd *Command) []byte {
	if cmd.Form == FormText {
		dst = AppendQuoted(append(dst, "HEARTBEAT "...), cmd.Name)
		dst = AppendQuoted(append(dst, ' '), cmd.Service)
		if cmd.Has(OptToken) {
			dst = appendDecimal(append(dst, " TOKEN "...), uint64(cmd.Token))
		}
		if cmd.Has(OptTTL) {
			dst = appendDecimal(append(dst, " TTL "...), uint64(cmd.TTLMs))
		}
		return append(dst, '\n')
	}
	words := byte('3')
	if cmd.Has(OptToken) {
		words += 2
	}
	if cmd.Has(OptTTL) {
		words += 2
	}
	dst = append(dst, '*', words, '\r', '\n')
	dst = appendBulk(dst, []byte("HEARTBEAT"))
	dst = appendBulk(appendBulk(dst, cmd.Name), cmd.Service)
	if cmd.Has(OptToken) {
		dst = appendTokenBulk(append(appendBulk(dst, []byte("TOKEN")), '$'), cmd.Token)
	}
	if cmd.Has(OptTTL) {
		dst = appendTokenBulk(append(appendBulk(dst, []byte("TTL")), '$'), Token(cmd.TTLMs))
	}
	return dst
}

func appendBulk(dst, word []byte) []byte {
	dst = append(appendDecimal(append(dst, '$'), uint64(len(word))), '\r', '\n')
	return append(append(dst, word...), '\r', '\n')
}
