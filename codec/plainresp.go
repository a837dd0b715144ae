package codec

import "encoding/binary"

// First 16 bytes of the arrays that plainHoldRESP knows.
const (
	array3Head     = 0x0a0d37240a0d332a // "*3\r\n$7\r\n"
	array4Head     = 0x0a0d37240a0d342a // "*4\r\n$7\r\n"
	array3LongHead = 0x0a0d39240a0d332a // "*3\r\n$9\r\n"
	acquireBulk    = 0x0d45524955514341 // "ACQUIRE\r"
	releaseBulk    = 0x0d455341454c4552 // "RELEASE\r"
)

// plainHoldRESP is plainHold for arrays of bulk strings.
func (d *Decoder) plainHoldRESP(b []byte, cmd *Command) (n int, ok bool) {
	if len(b) < 24 || d.PreAuth {
		return 0, false
	}
	at := uint(17) // behind the verb and its \r\n
	head, verb := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	switch {
	case head == array4Head && verb == acquireBulk && b[16] == '\n':
		cmd.Verb = VerbAcquire
	case head == array3Head && verb == releaseBulk && b[16] == '\n':
		cmd.Verb = VerbRelease
	case head == array3LongHead && verb == heartbeatHead && string(b[16:19]) == "T\r\n":
		cmd.Verb = VerbHeartbeat
		at = 19
	default:
		return 0, false
	}
	name, nameEnd := plainBulk(b, at)
	service, serviceEnd := plainBulk(b, nameEnd+2)
	if nameEnd-name-1 >= NameMax || serviceEnd-service-1 >= ServiceMax {
		return 0, false
	}
	end := serviceEnd
	if cmd.Verb == VerbAcquire {
		var wait uint
		wait, end = plainBulk(b, serviceEnd+2)
		v, sound := number(b[wait:end], 0, WaitMaxMs)
		if !sound {
			return 0, false
		}
		cmd.WaitMs = uint32(v)
	}
	cmd.Name, cmd.Service = b[name:nameEnd:nameEnd], b[service:serviceEnd:serviceEnd]
	return int(end) + 2, true
}

// First bytes of a bulk string, but for the digits of its length.
const (
	bulk1Head = 0x0a0d0024 // "$?\r\n"
	bulk1Mask = 0xffff00ff
	bulk2Head = 0x0d000024 // "$??\r"
	bulk2Mask = 0xff0000ff
	bulkEnd   = 0x0a0d // "\r\n"
)

// plainBulk returns where the bulk string of up to 99 bytes at b[at] starts and ends.
// If there is none, it is empty and at 0, which no sound one is.
func plainBulk(b []byte, at uint) (start, end uint) {
	if at+6 > uint(len(b)) { // those of an empty one
		return 0, 0
	}
	head := binary.LittleEndian.Uint32(b[at:])
	size := uint(byte(head>>8) - '0')
	if size > 9 {
		return 0, 0
	}
	start = at + 4
	if head&bulk1Mask != bulk1Head {
		low := uint(byte(head>>16) - '0')
		if head&bulk2Mask != bulk2Head || low > 9 || b[start] != '\n' {
			return 0, 0
		}
		size = size*10 + low
		start++
	}
	end = start + size
	if end+2 > uint(len(b)) || binary.LittleEndian.Uint16(b[end:]) != bulkEnd {
		return 0, 0
	}
	return start, end
}
