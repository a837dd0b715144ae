package table

import (
	"encoding/binary"

	"dlm/codec"
)

// A Short command has its words in Text, in the form of a record: the name and, from the next
// multiple of 8 on, the service, with zeros in between. A record has room for them then. So both
// words are compared and copied together.

// heldBy reports whether p, of that batch, names the lock and its holder.
func (s *Shard) heldBy(l *lock, p *codec.LockCommand, b *Batch) bool {
	if uint(l.nameLen) != p.NameLen() || uint(l.serviceLen) != p.ServiceLen() {
		return false
	}
	end, _ := p.TextEnd()
	switch {
	case !p.Short():
		src := b.Batch.Source(p, b.in)
		return string(s.name(l)) == string(p.Name(src)) && string(s.service(l)) == string(p.Service(src))
	case end <= textLen/2:
		return sameHalf((*half)(l.text[:]), (*half)(p.Text[:]), end)
	}
	return string(l.text[:end]) == string(p.Text[:end])
}

// setText stores name and service of p in the record.
func (l *lock) setText(p *codec.LockCommand) {
	l.nameLen, l.serviceLen = uint16(p.NameLen()), uint16(p.ServiceLen())
	*(*quarter)(l.text[:]) = quarter(p.Text[:])
	*(*quarter)(l.text[textLen/4:]) = quarter(p.Text[textLen/4:])
	*(*quarter)(l.text[textLen/2:]) = quarter(p.Text[textLen/2:])
	*(*quarter)(l.text[textLen/4*3:]) = quarter(p.Text[textLen/4*3:])
}

type (
	half    [textLen / 2]byte // most names and services fit together
	quarter [textLen / 4]byte // as much as one instruction copies
)

// sameHalf reports whether a and b begin with the same n bytes. n is more than one word and at most
// all. It compares word by word from the front, as they were stored. A load that spans two recent
// stores would have to wait until both have reached the cache.
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
