package codec

import (
	"encoding/binary"
	"math/bits"
)

// bareLine finds the words of a line without quotes and tabs, and returns their number. end is the
// index of the end of the line, \n or \r\n, and n the index after it. ok is false, and text has to
// look at the line, if it has a quote or a tab, if its end is missing, or if it has too many words.
//
// bareLine looks at eight bytes at a time, and stops only at bytes below '#', because all bytes
// that end a word or a line are, and few others.
func (d *Decoder) bareLine(b []byte) (words, end, n int, ok bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	start, most := 0, d.argsMax()
	for at := 0; at < len(b); at += 8 {
		var x uint64
		switch left := len(b) - at; {
		case left >= 8:
			x = binary.LittleEndian.Uint64(b[at:])
		case len(b) >= 8: // the last eight bytes, without those seen before
			x = binary.LittleEndian.Uint64(b[len(b)-8:])>>(64-8*left) | ^uint64(0)<<(8*left)
		default:
			return 0, 0, 0, false
		}
		low := ^(x&^tops + ones*(0x80-'#') | x) & tops // top bit of each byte below '#'
		for ; low != 0; low &= low - 1 {
			i := at + bits.TrailingZeros64(low)/8
			if i >= len(b) { // always false, but the compiler does not know that
				return 0, 0, 0, false
			}
			c := b[i]
			if c == ' ' { // by far the most frequent
				if i > start {
					if words >= most {
						return 0, 0, 0, false
					}
					d.args[words] = b[start:i:i]
					words++
				}
				start = i + 1
				continue
			}
			if c == '\n' {
				end = i
				if i > 0 && b[i-1] == '\r' {
					end--
				}
				if end > start {
					if words >= most {
						return 0, 0, 0, false
					}
					d.args[words] = b[start:end:end]
					words++
				}
				return words, end, i + 1, true
			}
			if c == '"' || c == '\t' {
				return 0, 0, 0, false
			}
		}
	}
	return 0, 0, 0, false
}
