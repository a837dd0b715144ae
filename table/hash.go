package table

import (
	"encoding/binary"
	"math/bits"
)

// Names of up to shortNameMax bytes are hashed by multiplications, in blocks of up to hashBlock
// bytes.
const (
	shortNameMax = 64
	hashBlock    = 32
)

// setKeys makes the keys of the hash of names from the secret seed: the first numbers of SplitMix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func (t *Table) setKeys(seed uint64) {
	next := func() uint64 {
		seed += 0x9e3779b97f4a7c15
		z := (seed ^ seed>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	for i := range t.key {
		t.key[i] = next()
	}
	for i := range t.longKey {
		t.longKey[i] = next()
	}
}

// Hash returns the hash of a lock name, which Shard and Shard.Apply take. Its top byte is the
// shard, for ever; its low half finds the name in the shard's index.
//
// Names of up to 32 bytes, nearly all, are one block: they are read as four words, which overlap or
// are zero if there are fewer bytes. The words are mixed with secret keys by wide multiplications,
// as in wyhash and the maps of Go. So a client that does not know the seed can't choose names that
// share a place.
func (t *Table) Hash(name []byte) uint64 {
	noteHash()
	n := len(name)
	switch {
	case n > shortNameMax:
		return t.longHash(name)
	case n > hashBlock:
		return t.hashTwoBlocks(name)
	}
	var a, b, c, d uint64
	switch {
	case n > 16:
		a, b = binary.LittleEndian.Uint64(name), binary.LittleEndian.Uint64(name[8:])
		c, d = binary.LittleEndian.Uint64(name[n-16:]), binary.LittleEndian.Uint64(name[n-8:])
	case n >= 8:
		a, b = binary.LittleEndian.Uint64(name), binary.LittleEndian.Uint64(name[n-8:])
	case n >= 4:
		a, b = uint64(binary.LittleEndian.Uint32(name)), uint64(binary.LittleEndian.Uint32(name[n-4:]))
	case n > 0:
		a = uint64(name[0]) | uint64(name[n/2])<<8 | uint64(name[n-1])<<16
	}
	k := &t.key
	return fold(fold(a^k[0], b^k[1])^fold(c^k[2], d^k[3]), uint64(n)^k[4])
}

// hashTwoBlocks is Hash for names of two blocks, which overlap.
func (t *Table) hashTwoBlocks(name []byte) uint64 {
	k, l, n := &t.key, &t.longKey, len(name)
	head, tail := (*[hashBlock]byte)(name), (*[hashBlock]byte)(name[n-hashBlock:])
	h := fold(word(head, 0)^k[0], word(head, 8)^k[1]) ^ fold(word(head, 16)^k[2], word(head, 24)^k[3]) ^
		fold(word(tail, 0)^l[0], word(tail, 8)^l[1]) ^ fold(word(tail, 16)^l[2], word(tail, 24)^l[3])
	return fold(h, uint64(n)^k[4])
}

func word(b *[hashBlock]byte, at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }

// fold multiplies two words and returns the exclusive or of both halves of the product.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// longHash is Hash for names of more than two blocks. They go in one after the other; the last one
// overlaps the one before it.
func (t *Table) longHash(name []byte) uint64 {
	k, n, h := &t.key, len(name), t.longKey[0]
	for rest := name; len(rest) > hashBlock; rest = rest[hashBlock:] {
		h = t.mix(h, (*[hashBlock]byte)(rest))
	}
	h = t.mix(h, (*[hashBlock]byte)(name[n-hashBlock:]))
	return fold(h, uint64(n)^k[4])
}

// mix adds a block to the hash of the blocks before it.
func (t *Table) mix(h uint64, b *[hashBlock]byte) uint64 {
	k := &t.key
	return fold(h^fold(word(b, 0)^k[0], word(b, 8)^k[1])^fold(word(b, 16)^k[2], word(b, 24)^k[3]), t.longKey[1])
}

// foldFactor is the odd 64-bit constant nearest to 2^64 divided by the golden ratio.
const foldFactor = 0x9e3779b97f4a7c15
