package codec

import (
	"encoding/binary"
	"math/bits"
)

// lineWhere is what shortLine stores with the verb: the form FormText, no tag, words in Text, no
// options.
const lineWhere = uint64(FormText)<<8 | uint64(inText)<<24

// shortLineGo is shortLine in Go, for processors without the assembler.
func shortLineGo(b *[lineReach]byte, from uint, p *LockCommand) (end uint) {
	p.bare(FormText)
	start := uint(8)
	switch binary.LittleEndian.Uint64(b[:]) {
	case acquireHead:
		p.Verb = VerbAcquire
	case releaseHead:
		p.Verb = VerbRelease
	case heartbeatHead:
		p.Verb, start = VerbHeartbeat, 10
		if binary.LittleEndian.Uint16(b[8:]) != heartbeatTail {
			return 0
		}
	default:
		return 0
	}
	name := shortEnd(b, start)
	service := shortEnd(b, name+1)
	nameLen, serviceLen := name-start, service-name-1
	at := (nameLen + 7) &^ 7 // of the service in Text
	if nameLen-1 >= textNameMax || serviceLen-1 >= half || at+serviceLen > TextLen || service >= 64 || b[name] != ' ' {
		return 0
	}
	p.where = where(lineWhere >> 24)
	clear(p.Text[:at])
	copy(p.Text[:], b[start:name])
	copy(p.Text[at:], b[name+1:service])
	if end = service; p.Verb == VerbAcquire {
		const digitsMax = 7
		v, n := digits8(binary.LittleEndian.Uint64(b[service+1:]))
		if end = service + 1 + n; b[service] != ' ' || n-1 >= digitsMax || end >= 64 {
			return 0
		}
		p.WaitMs = uint32(v)
	}
	options := uint(0)
	switch {
	case b[end] == '\n':
	case b[end] == ' ':
		options = more
	case b[end] == '\r' && b[end+1] == '\n':
		end++
	default:
		return 0
	}
	end += from + 1
	p.End = uint32(end)
	p.nameAt, p.nameLen = uint32(from+start), uint32(nameLen)
	p.serviceAt, p.serviceLen = uint32(from+name+1), uint32(serviceLen)
	return end | options
}

// shortEnd returns the index of the first byte from at on that is below '#', at most lineReach.
func shortEnd(b *[lineReach]byte, at uint) uint {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; at+8 <= lineReach; at += 8 {
		x := binary.LittleEndian.Uint64(b[at:])
		if low := (x - ones*'#') &^ x & tops; low != 0 {
			return at + uint(bits.TrailingZeros64(low))/8
		}
	}
	return lineReach
}
