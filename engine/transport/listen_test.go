package transport

import (
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// families is a machine with some families of addresses, on which some ports are taken.
type families struct {
	missing string // host that it does not have
	taken   []string
	port    int // of the last bind to port 0
	bound   []string
}

// stub is a listener that is none.
type stub struct {
	net.Listener
	addr   net.TCPAddr
	closed *[]string
}

func (s *stub) Addr() net.Addr { return &s.addr }
func (s *stub) Close() error   { *s.closed = append(*s.closed, s.addr.String()); return nil }

func (f *families) bind(_, addr string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if tcp.IP.String() == f.missing || f.missing == "all" {
		return nil, &net.OpError{Op: "listen", Err: syscall.EADDRNOTAVAIL}
	}
	if tcp.Port == 0 {
		f.port++
		tcp.Port = f.port
	}
	if slices.Contains(f.taken, tcp.String()) {
		return nil, &net.OpError{Op: "listen", Err: syscall.EADDRINUSE}
	}
	return &stub{addr: *tcp, closed: &f.bound}, nil
}

func TestLocalhostIsBothFamilies(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		machine    families
		want       string // or how the error begins
	}{
		{"both are there", "localhost:7420", families{}, "127.0.0.1:7420 and [::1]:7420"},
		{"IPv6 is off", "localhost:7420", families{missing: "::1"}, "127.0.0.1:7420"},
		{"IPv4 is off", "localhost:7420", families{missing: "127.0.0.1"}, "[::1]:7420"},
		{"there is no loopback", "localhost:7420", families{missing: "all"}, "listen on [::1]:7420: "},
		{"port 0 is one port", "localhost:0", families{taken: []string{"[::1]:1", "127.0.0.1:2"}}, "127.0.0.1:3 and [::1]:3"},
		{"one of both is taken", "localhost:7420", families{taken: []string{"[::1]:7420"}}, "listen on [::1]:7420: address already in use"},
		{"the other is taken", "localhost:7420", families{taken: []string{"127.0.0.1:7420"}}, "listen on 127.0.0.1:7420: address already in use"},
		{"an address is itself only", "127.0.0.1:7420", families{}, "127.0.0.1:7420"},
	} {
		l, err := listenWith(c.machine.bind, c.addr)
		if err != nil {
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		if l.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, l, c.want)
		}
	}
}

func TestWhatIsBoundIsGivenBackWhenOtherIsTaken(t *testing.T) {
	f := families{taken: []string{"[::1]:7420"}}
	_, err := listenWith(f.bind, "localhost:7420")
	if !errors.Is(err, ErrAddressInUse) || !slices.Equal(f.bound, []string{"127.0.0.1:7420"}) {
		t.Fatalf("%v, closed: %v", err, f.bound)
	}
}

// TestLocalhostListensOnBothFamilies speaks to a real listener.
func TestLocalhostListensOnBothFamilies(t *testing.T) {
	l, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range l {
		client, err := net.Dial("tcp", one.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := one.Accept()
		if err != nil || server.RemoteAddr().String() != client.LocalAddr().String() {
			t.Fatalf("accepted %v, %v", server, err)
		}
		_, _ = client.Close(), server.Close()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, one := range l {
		if _, err := one.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("after Close: %v", err)
		}
	}
}
