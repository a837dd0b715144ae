package codec

import "encoding/binary"

// endsLen is how many bytes are looked at together.
const endsLen = 64

// endsBlocks is how much of the input is looked at for one burst, in blocks of endsLen: enough for
// BurstMax lines of the usual length.
const endsBlocks = 16

// wordEnds marks the bytes of the input that are below '#', as all that end or
// quote a word are: bit i%64 of word i/64 for byte i. So the end of a word is found
// without looking at its bytes one after the other, and those of the next line
// do not wait for those of this.
type wordEnds struct {
	words  [endsBlocks + 1]uint64
	mapped uint // bytes of the input
}

// endsStep is how many blocks are mapped at once, behind the first two: they may be those of a
// line that is not plain.
const endsStep = 5

// extend maps more of b, up to endsBlocks, and tells whether the block of bytes from at on is mapped
// then. Its end may lie behind the capacity of b, or too far from the beginning. What is before at may be
// left out, and what lies behind the length of b is not marked.
func (e *wordEnds) extend(b []byte, at uint) bool {
	size := uint(len(b))
	filled := (size + endsLen - 1) / endsLen
	first := max(e.mapped, at) / endsLen
	last := min(first+endsStep, filled+1, uint(cap(b))/endsLen, endsBlocks)
	if e.mapped == 0 {
		last = min(last, first+2)
	}
	if at+endsLen > last*endsLen || first >= last {
		return false
	}
	e.mapped = last * endsLen
	if filled = min(filled, last); first < filled {
		markEnds(b[first*endsLen:filled*endsLen], e.words[first:filled])
	}
	if size < last*endsLen {
		e.words[size/endsLen] &= 1<<(size%endsLen) - 1
		e.words[filled] = 0
	}
	return true
}

// from returns the marks of the block of bytes from at on, which is mapped.
func (e *wordEnds) from(at uint) uint64 {
	i, by := at/endsLen%endsBlocks, at%endsLen
	return e.words[i]>>by | e.words[i+1]<<1<<(endsLen-1-by)
}

// markEndsSlow is markEnds without vectors: eight bytes at a time. The top bit of a byte is set
// in above if the byte is not below '#'; the product gathers these bits.
func markEndsSlow(b []byte, words []uint64) {
	const ones, tops, gather = 0x0101010101010101, 0x8080808080808080, 0x0002040810204081
	for i := range words {
		word := uint64(0)
		for k := 0; k < endsLen; k += 8 {
			x := binary.LittleEndian.Uint64(b[i*endsLen+k:])
			above := x&^tops + ones*(0x80-'#') | x
			word |= (^above & tops) * gather >> 56 << k
		}
		words[i] = word
	}
}
