package codec

import (
	"encoding/binary"
	"math/bits"
)

// BurstMax is how many commands a Burst has at most. Beyond 16 nothing is gained.
const BurstMax = 16

// Burst is plain commands that were decoded together: without tag and options, of
// which nothing is ever set. It is filled by Decoder.DecodeBurst and reused; its
// commands are valid as long as the input is.
type Burst struct {
	Cmds [BurstMax]Command
	Ends [BurstMax]int // bytes of input up to the end of each command
}

// DecodeBurst is Decode for what comes most: it decodes the commands at the
// beginning of b, up to the first that is not a whole ACQUIRE, RELEASE or
// HEARTBEAT without tag, option and quotes, and returns how many there are.
// What it leaves is left to Decode, which comes to the same results.
func (d *Decoder) DecodeBurst(b []byte, burst *Burst) (n int) {
	if d.PreAuth {
		return 0
	}
	at := 0
	for ; n < BurstMax && at < len(b); n++ {
		cmd, took := &burst.Cmds[n], 0
		if b[at] == '*' {
			took = plainHoldRESP(b[at:], cmd)
		} else if endsFast && len(b)-at >= endsLen {
			took = shortHold((*[endsLen]byte)(b[at:]), cmd)
		}
		if took == 0 {
			if took = plainHold(b[at:], cmd); took == 0 {
				break
			}
		}
		at += took
		burst.Ends[n] = at
	}
	return n
}

// endsLen is how many bytes shortHold looks at.
const endsLen = 64

// shortHold is plainHold for lines that end within b, and leaves more to it: it
// returns 0 then. The place of an end that is not there is that of the first byte,
// a letter, which is neither a blank nor the end of a line.
func shortHold(b *[endsLen]byte, cmd *Command) (n int) {
	start, verb := uint(8), uint64(1<<8-1) // the verb and the blank behind it
	switch binary.LittleEndian.Uint64(b[:]) {
	case acquireHead:
		cmd.Verb = VerbAcquire
	case releaseHead:
		cmd.Verb = VerbRelease
	case heartbeatHead:
		cmd.Verb = VerbHeartbeat
		start, verb = 10, 1<<10-1
		if b[8] != 'T' || b[9] != ' ' {
			return 0
		}
	default:
		return 0
	}
	ends := wordEnds(b) &^ verb
	name := uint(bits.TrailingZeros64(ends)) // first byte behind the name
	ends &= ends - 1
	service := uint(bits.TrailingZeros64(ends))
	if b[name%endsLen] != ' ' || name == start || service == name+1 {
		return 0
	}
	end := service
	if cmd.Verb == VerbAcquire {
		ends &= ends - 1
		end = uint(bits.TrailingZeros64(ends))
		if !shortWait(b, service, end, cmd) {
			return 0
		}
	}
	if b[end%endsLen] != '\n' {
		if end++; b[(end-1)%endsLen] != '\r' || b[end%endsLen] != '\n' {
			return 0
		}
	}
	cmd.Form = FormText
	cmd.Name, cmd.Service = b[start:name:name], b[name+1:service:service]
	return int(end) + 1
}

// shortWait reads the timeout_ms between the blank at b[at] and b[end]. It knows
// numbers of up to seven digits, which are in range.
func shortWait(b *[endsLen]byte, at, end uint, cmd *Command) (ok bool) {
	if b[at%endsLen] != ' ' || end-at-2 > 6 {
		return false
	}
	v := uint32(0)
	for at++; at < end; at++ {
		c := b[at%endsLen] - '0'
		if c > 9 {
			return false
		}
		v = v*10 + uint32(c)
	}
	cmd.WaitMs = v
	return true
}
