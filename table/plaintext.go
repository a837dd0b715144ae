package table

import (
	"encoding/binary"

	"dlm/codec"
)

// The strings of a plain command that is Short stand in its Text as they do in a record, where they have
// room then: the name and, from the next multiple of 8 on, the service, with zeros in between. So both
// are compared and copied at once.

// heldBy tells whether p, decoded from in, names the lock and its holder.
func (s *Shard) heldBy(l *lock, p *codec.Plain, in []byte) bool {
	if uint(l.nameLen) != p.NameLen() || uint(l.serviceLen) != p.ServiceLen() {
		return false
	}
	end, _ := p.TextEnd()
	switch {
	case !p.Short:
		return string(s.name(l)) == string(p.Name(in)) && string(s.service(l)) == string(p.Service(in))
	case end <= textLen/2:
		return sameHalf((*half)(l.text[:]), (*half)(p.Text[:]), end)
	}
	return string(l.text[:end]) == string(p.Text[:end])
}

// setText stores name and service of p in the record.
func (l *lock) setText(p *codec.Plain) {
	l.nameLen, l.serviceLen = uint16(p.NameLen()), uint16(p.ServiceLen())
	*(*quarter)(l.text[:]) = quarter(p.Text[:])
	*(*quarter)(l.text[textLen/4:]) = quarter(p.Text[textLen/4:])
	*(*quarter)(l.text[textLen/2:]) = quarter(p.Text[textLen/2:])
	*(*quarter)(l.text[textLen/4*3:]) = quarter(p.Text[textLen/4*3:])
}

type (
	half    [textLen / 2]byte // as much as most of them need
	quarter [textLen / 4]byte // as much as one instruction copies. For more, which might overlap, the compiler makes a copy first
)

// sameHalf tells whether a and b begin with the same n bytes, more than one word and at most all. It compares word by word
// from the front, as they were stored, so that a processor need not wait until what it
// has just stored has reached the cache.
func sameHalf(a, b *half, n uint) bool {
	differ := binary.LittleEndian.Uint64(a[:]) ^ binary.LittleEndian.Uint64(b[:])
	second := binary.LittleEndian.Uint64(a[8:]) ^ binary.LittleEndian.Uint64(b[8:])
	if n <= 16 {
		return differ|second<<(8*-n%64) == 0
	}
	differ |= second
	third := binary.LittleEndian.Uint64(a[16:]) ^ binary.LittleEndian.Uint64(b[16:])
	if n <= 24 {
		return differ|third<<(8*-n%64) == 0
	}
	differ |= third
	return differ|(binary.LittleEndian.Uint64(a[24:])^binary.LittleEndian.Uint64(b[24:]))<<(8*-n%64) == 0
}
