package codec

import (
	"encoding/binary"
	"math/bits"
)

// quickNumber reads the decimal digits at b[at], up to 16, and returns the index after them. It
// returns 0 as the index if there are none or more than 16, or if the memory of b ends within the
// eight bytes that it reads at a time.
func quickNumber(b []byte, at uint) (v uint64, after uint) {
	x, ok := eightBytes(b, at)
	if !ok {
		return 0, 0
	}
	if v, n := digits8(x); n < 8 {
		if n == 0 {
			return 0, 0
		}
		return v, at + n
	}
	y, ok := eightBytes(b, at+8)
	if !ok {
		return 0, 0
	}
	v = joinDigits(x ^ zeros)
	switch low, n := digits8(y); n {
	case 0:
		return v, at + 8
	case 8: // as tokens have for a long time
		if at+16 >= uint(len(b)) || b[at+16]-'0' <= 9 {
			return 0, 0
		}
		return v*100_000_000 + low, at + 16
	default:
		return v*powersOf10[n] + low, at + 8 + n
	}
}

// powersOf10 has 10 to the power of its index.
var powersOf10 = [...]uint64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// eightBytes returns the eight bytes at b[at]; ok is false if the memory of b ends before.
func eightBytes(b []byte, at uint) (x uint64, ok bool) {
	if at+8 > uint(cap(b)) {
		return 0, false
	}
	return binary.LittleEndian.Uint64((*[8]byte)(b[at : at+8])[:]), true
}

// digits8 returns the decimal number in the first n bytes of x, where the first byte is the lowest
// of x. n is 8 if all bytes are digits, and v means nothing if n is 0.
func digits8(x uint64) (v uint64, n uint) {
	x ^= zeros
	n = uint(bits.TrailingZeros64(notDigits(x))) / 8
	return joinDigits(x << ((64 - 8*n) % 64)), n // the digits come last, after zeros
}

// digits16 returns the decimal number of 16 digits; ok is false if not all bytes are digits.
func digits16(b *[16]byte) (v uint64, ok bool) {
	x := binary.LittleEndian.Uint64(b[:]) ^ zeros
	y := binary.LittleEndian.Uint64(b[8:]) ^ zeros
	return joinDigits(x)*100_000_000 + joinDigits(y), notDigits(x)|notDigits(y) == 0
}

// zeros is eight digits 0. A digit without it is its value.
const zeros = 0x3030303030303030

// notDigits marks the bytes of x above 9 by their top bits, and may mark bytes after these.
func notDigits(x uint64) uint64 { return (x + 0x7676767676767676 | x) & 0x8080808080808080 }

// joinDigits returns the number of eight digits, of which x has the values, the first in the lowest
// byte. The digits are lanes of one number. Each product joins two lanes: the first one times 10,
// 100 or 10,000 is added to the second.
func joinDigits(x uint64) uint64 {
	x = x * (1 + 10<<8) >> 8 & 0x00ff00ff00ff00ff
	x = x * (1 + 100<<16) >> 16 & 0x0000ffff0000ffff
	return x * (1 + 10_000<<32) >> 32
}
