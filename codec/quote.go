package codec

import (
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendQuoted appends b in double quotes. It writes \" \\ \n \r \t \xHH for control bytes, bytes
// that are not valid UTF-8, and the bytes of runes that steer a terminal or the reading of a log
// (steers). AppendUnquoted gives the same bytes again.
func AppendQuoted(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(b); {
		c := b[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 || steers(r) {
				for _, c := range b[i : i+size] {
					dst = appendHex(dst, c)
				}
			} else {
				dst = append(dst, b[i:i+size]...)
			}
			i += size
			continue
		}
		dst = appendASCII(dst, c)
		i++
	}
	return append(dst, '"')
}

// steers reports whether a rune beyond ASCII changes how other text is shown. These are the C1
// controls, which are escape sequences of a terminal; line and paragraph separators; and format
// characters (category Cf), which turn the direction of text (U+202E) or are invisible (U+FEFF,
// U+200B, tags).
func steers(r rune) bool {
	return r <= 0x9f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

func appendASCII(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c < 0x20 || c == 0x7f:
		return appendHex(dst, c)
	}
	return append(dst, c)
}

func appendHex(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// unescape reads an escape whose bytes after the \ begin b, and returns the byte that it means and
// its length. The length is 0 if AppendQuoted can't have written it, and more than b has if the
// escape goes on after b.
func unescape(b []byte) (c byte, size int) {
	if len(b) == 0 {
		return 0, 1
	}
	switch b[0] {
	case '"', '\\':
		return b[0], 1
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'x':
		if len(b) < 3 {
			return 0, 3
		}
		if hi, lo := unhex(b[1]), unhex(b[2]); hi >= 0 && lo >= 0 {
			return byte(hi<<4 | lo), 3
		}
	}
	return 0, 0
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
