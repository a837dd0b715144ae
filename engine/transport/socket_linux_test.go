package transport

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWritesTakeWhatThereIsRoomFor checks that the caller keeps what the kernel does not take, and
// that a lack of room is no error.
func TestWritesTakeWhatThereIsRoomFor(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(fds[0]), unix.Close(fds[1]) }()
	s := &Socket{fd: fds[0]}
	var sent, got []byte
	write := func(p []byte) int {
		n, err := s.Write(p)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, p[:n]...)
		return n
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
	if write([]byte("first")) != 5 {
		t.Fatal("there was room")
	}
	long := bytes.Repeat([]byte("0123456789"), 3*writeNowMax/10)
	for write(long) == len(long) {
	}
	if write([]byte("no room")) != 0 {
		t.Fatal("there was no room")
	}
	read()
	if write([]byte("last")) != 4 {
		t.Fatal("there was room again")
	}
	read()
	if !bytes.Equal(got, sent) {
		t.Fatalf("%d bytes have arrived, of %d, or in another order", len(got), len(sent))
	}
	if err := unix.Close(fds[1]); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Write([]byte("to nobody")); n != 0 || err != unix.EPIPE {
		t.Fatalf("%d, %v", n, err)
	}
	fds[1] = -1
}
