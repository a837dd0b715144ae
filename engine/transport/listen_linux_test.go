package transport

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAcceptedConnectionsAreKeptAlive checks that a peer that has vanished without a word is
// noticed after 30 s.
func TestAcceptedConnectionsAreKeptAlive(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l[0].Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		for option, want := range map[int]int{unix.TCP_KEEPIDLE: 15, unix.TCP_KEEPINTVL: 5, unix.TCP_KEEPCNT: 3} {
			got, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option)
			if err != nil || got != want {
				t.Errorf("option %d is %d, %v", option, got, err)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}
