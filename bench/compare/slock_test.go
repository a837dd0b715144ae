package main

import (
	"strings"
	"testing"

	"dlm/codec"
)

// slockReply is a reply to a command with this result.
func slockReply(command, result byte) []byte {
	frame := make([]byte, slockFrameLen)
	frame[0], frame[1], frame[slockCommandAt], frame[slockResultAt] = slockMagic, slockVersion, command, result
	return frame
}

func TestSlockRequest(t *testing.T) {
	cmd := codec.Command{Verb: codec.VerbAcquire, Name: []byte("a"), Service: []byte("svc0"), WaitMs: 258_000}
	want := "\x56\x01\x01" + "\x01" + strings.Repeat("\x00", 17) + // the first request, no flags
		"\x62\x94\x16\xfd\x95\x75\x21\xda\xd2\x0e\x1e\x98\x37\xae\xa2\xae" + // MD5 of the owner
		"\x0c\xc1\x75\xb9\xc0\xf1\xb6\xa8\x31\xc3\x99\xe2\x69\x77\x26\x61" + // and of the name
		"\x02\x01\x00\x00" + "\x1e\x00\x00\x00" + "\x00\x00\x00" // wait and lease in s, one holder
	if got := slockProtocol().Append(nil, &cmd); string(got) != want {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestSlockReplies(t *testing.T) {
	p, granted := slockProtocol(), slockReply(slockLock, 0)
	want := p.Answer(codec.VerbAcquire)
	for n := range slockFrameLen {
		if got, _ := want.Match(granted[:n]); got != 0 {
			t.Fatalf("%d bytes are a reply of %d", n, got)
		}
	}
	if n, _ := want.Match(append(granted, 'V')); n != slockFrameLen {
		t.Errorf("a whole reply has %d bytes", n)
	}
	for name, reply := range map[string][]byte{"held by another": slockReply(slockLock, 5),
		"of another command": slockReply(slockUnlock, 0), "no frame": []byte("*1\r\n")} {
		if n, _ := want.Match(reply); n >= 0 {
			t.Errorf("%s: a reply of %d bytes", name, n)
		}
	}
}
