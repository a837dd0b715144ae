package engine

import (
	"bytes"
	"testing"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// keeper is a gnet connection that keeps all that it is given.
type keeper struct {
	gnet.Conn
	kept bytes.Buffer
}

func (k *keeper) Write(p []byte) (int, error) { return k.kept.Write(p) }
func (k *keeper) OutboundBuffered() int       { return k.kept.Len() }

// TestWritesKeepTheirOrder: as long as gnet has something to send, what comes later is sent by it
// too, even if the kernel has room again.
func TestWritesKeepTheirOrder(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	k := &keeper{}
	s := &gnetSocket{g: k, fd: fds[0]}
	var sent, got []byte
	write := func(p []byte) {
		if err := s.write(p); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, p...)
	}
	read := func() {
		p := make([]byte, 1<<20)
		for {
			n, err := unix.Read(fds[1], p)
			if err != nil {
				return
			}
			got = append(got, p[:n]...)
		}
	}
	write([]byte("first"))
	if s.buffered() != 0 {
		t.Fatal("a write for which there was room went to gnet")
	}
	for i := byte(0); s.buffered() == 0; i++ {
		write(bytes.Repeat([]byte{i}, 5000))
	}
	read()
	write([]byte("behind"))
	if !bytes.HasSuffix(k.kept.Bytes(), []byte("behind")) {
		t.Fatal("what came later was sent before what gnet has")
	}
	got = append(got, k.kept.Bytes()...)
	k.kept.Reset()
	write([]byte("last"))
	if s.buffered() != 0 {
		t.Fatal("gnet has sent all, and still gets what comes")
	}
	read()
	if !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes have arrived, of %d, or in another order", len(got), len(sent))
	}
	if err := unix.Close(fds[1]); err != nil {
		t.Fatal(err)
	}
	write([]byte("to nobody"))
	if k.kept.Len() == 0 {
		t.Fatal("an error was not left to gnet")
	}
	fds[1] = -1
}
