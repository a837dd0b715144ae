package bench

import (
	"errors"
	"strings"
	"testing"
)

const lockedReply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n" +
	`{"header":{"revision":"2"},"key":"YS8yMDQw"}` + "\n"

// slockReply is a reply to a LOCK with this result.
func slockReply(command, result byte) string {
	frame := make([]byte, slockFrameLen)
	frame[0], frame[1], frame[slockCommandAt], frame[slockResultAt] = slockMagic, slockVersion, command, result
	return string(frame)
}

func TestRepliesOfPeersAreCountedHoweverTheyArrive(t *testing.T) {
	for _, c := range []struct {
		form, in string
		verbs    []byte
	}{
		{EtcdLock, lockedReply + strings.Replace(lockedReply, "key", "xxx", 1), []byte{byte(verbAcquire), byte(verbRelease)}},
		{Slock, slockReply(slockLock, 0) + slockReply(slockUnlock, 0), []byte{byte(verbAcquire), byte(verbRelease)}},
	} {
		for piece := 1; piece <= len(c.in); piece++ {
			w := &expectation{count: len(c.verbs), form: c.form, verbs: c.verbs}
			if n, err := feed(w, c.in, piece); n != len(c.verbs) || err != nil {
				t.Fatalf("%s in pieces of %d: %d replies, %v", c.form, piece, n, err)
			}
		}
	}
}

func TestWrongRepliesOfPeers(t *testing.T) {
	const failed = "HTTP/1.1 500 Internal Server Error\r\nTransfer-Encoding: chunked\r\n\r\n6b\r\n{\"error\":\"no lease\"}"
	for _, c := range []struct{ name, form, in, quoted string }{
		{"another status", EtcdLock, failed, `no lease`},
		{"no length", EtcdLock, "HTTP/1.1 200 OK\r\n\r\n{}", `a reply with its length`},
		{"a length that is none", EtcdLock, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}", `"x"`},
		{"a transaction that failed", EtcdTxn, lockedReply, `succeeded`},
		{"not a frame", Slock, "*1\r\n", `"*1\r\n"`},
		{"a lock that another holds", Slock, slockReply(slockLock, 5), `result 0`},
		{"the reply to another command", Slock, slockReply(slockUnlock, 0), `result 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &expectation{count: 1, form: c.form, verbs: []byte{byte(verbAcquire)}}
			if _, err := feed(w, c.in, len(c.in)); !errors.Is(err, ErrWrongReply) || !strings.Contains(err.Error(), c.quoted) {
				t.Fatalf("got %v, want a wrong reply with %s", err, c.quoted)
			}
		})
	}
}

func TestRequestsOfPeers(t *testing.T) {
	enc := newEncoder(EtcdTxn)
	if got := string(enc.releaseOf(nil, "a", "17")); got != "POST /v3/kv/deleterange HTTP/1.1\r\nHost: etcd\r\n"+
		"Content-Length: 18\r\n\r\n{\"key\":\"YS8xMQ==\"}" { // a/11, the lease in hexadecimal
		t.Errorf("got %q", got)
	}
	enc = newEncoder(Slock)
	frame := enc.acquire(nil, "a", "svc0", 258_000, 0)
	want := "\x56\x01\x01" + "\x01" + strings.Repeat("\x00", 17) + // the first request, no flags
		"\x62\x94\x16\xfd\x95\x75\x21\xda\xd2\x0e\x1e\x98\x37\xae\xa2\xae" + // MD5 of the owner
		"\x0c\xc1\x75\xb9\xc0\xf1\xb6\xa8\x31\xc3\x99\xe2\x69\x77\x26\x61" + // and of the name
		"\x02\x01\x00\x00" + "\x1e\x00\x00\x00" + "\x00\x00\x00" // wait and lease in seconds, one holder
	if string(frame) != want {
		t.Errorf("got  %x\nwant %x", frame, want)
	}
}

func TestPeersAreRefusedWhatTheyAreNotDrivenToDo(t *testing.T) {
	for _, c := range []Config{
		{Form: EtcdTxn, Workload: Hot}, {Form: EtcdLock, Workload: Renew}, {Form: Slock, Apart: true},
		{Form: Slock, Held: 5}, {Form: EtcdTxn, Floor: true}, {Form: Slock, Workload: Churn},
	} {
		c.Server = "x"
		c.EnsureDefaults()
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "form: "+c.Form) {
			t.Errorf("%s %s: %v", c.Form, c.Workload, err)
		}
	}
}
