package codec

import (
	"math/bits"
	"slices"
)

// powersOf10 has 10 to the power of its index.
var powersOf10 = makePowersOf10()

func makePowersOf10() (list [20]uint64) {
	power := uint64(1)
	for i := range list {
		list[i] = power
		power *= 10
	}
	return list
}

// decimalLen returns the number of decimal digits of v, at least 1. The
// logarithm of 10 is taken from that of 2: 1233/4096 is near log10(2)
// (Anderson, Bit Twiddling Hacks, "integer log base 10").
func decimalLen(v uint64) int {
	v |= 1 // zero has a digit too
	size := bits.Len64(v) * 1233 >> 12
	if v >= powersOf10[size] {
		size++
	}
	return size
}

// pairs has the two digits of the numbers 0 to 99.
const pairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// appendDecimal appends v. It writes the digits where they belong, which
// strconv does not: replies to lock commands are mostly numbers.
func appendDecimal(dst []byte, v uint64) []byte {
	if v < 10 {
		return append(dst, '0'+byte(v))
	}
	size := decimalLen(v)
	dst = slices.Grow(dst, size)
	end := len(dst) + size
	digits := dst[len(dst):end]
	for len(digits) >= 2 {
		pair := v % 100 * 2
		v /= 100
		digits[len(digits)-1] = pairs[pair+1]
		digits[len(digits)-2] = pairs[pair]
		digits = digits[:len(digits)-2]
	}
	if len(digits) == 1 {
		digits[0] = '0' + byte(v)
	}
	return dst[:end]
}

// appendInt is appendDecimal with a sign.
func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendDecimal(append(dst, '-'), -uint64(v))
	}
	return appendDecimal(dst, uint64(v))
}
