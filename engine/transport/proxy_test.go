package transport

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// header returns a PROXY header.
func header(command, family byte, addresses string) string {
	return proxySignature + string([]byte{command, family, byte(len(addresses) >> 8), byte(len(addresses))}) + addresses
}

const (
	fromIPv4 = "\xc0\x00\x02\x07" + "\x7f\x00\x00\x01" + "\x12\x34" + "\x1c\xfc"
	tlv      = "\x04\x00\x01\x00" // the kind that says nothing
)

var fromIPv6 = "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x09" + strings.Repeat("\x00", 15) + "\x01" + "\x12\x34" + "\x1c\xfc"

// TestProxyHeaders checks what a header names, and that not one byte after it is read.
func TestProxyHeaders(t *testing.T) {
	for _, c := range []struct {
		name, input string
		want        string // the client, "peer", or part of the error
	}{
		{"IPv4", header(proxyForward, proxyTCP4, fromIPv4), "192.0.2.7:4660"},
		{"IPv4 with more", header(proxyForward, proxyTCP4, fromIPv4+tlv), "192.0.2.7:4660"},
		{"IPv6", header(proxyForward, proxyTCP6, fromIPv6), "[2001:db8::9]:4660"},
		{"the proxy itself", header(proxyLocal, 0, ""), "peer"},
		{"the proxy itself, with addresses", header(proxyLocal, proxyTCP4, fromIPv4), "peer"},
		{"a Unix socket", header(proxyForward, 0x31, strings.Repeat("x", 216)), "peer"},
		{"too few addresses", header(proxyForward, proxyTCP4, fromIPv4[:11]), "with 11 bytes"},
		{"too long", header(proxyForward, proxyTCP4, strings.Repeat("x", proxyLenMax+1)), "of 8193 bytes"},
		{"another version", header(0x31, proxyTCP4, fromIPv4), "no PROXY header of version 2"},
		{"version 1", "PROXY TCP4 192.0.2.7 127.0.0.1 4660 7420\r\n", "no PROXY header of version 2"},
		{"a command", "ACQUIRE some/lock service 0\n", "no PROXY header of version 2"},
		{"nothing", "", "EOF"},
		{"a cut one", header(proxyForward, proxyTCP4, fromIPv4)[:20], "is cut"},
	} {
		near, far := tcpPair(t)
		if _, err := io.WriteString(near, c.input+"after"); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(c.want, "EOF") || strings.Contains(c.want, "cut") {
			near, far = tcpPair(t)
			_, _ = io.WriteString(near, c.input)
			_ = near.CloseWrite()
		}
		client, _, err := readProxyHeader(far)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.name, err, c.want)
			}
			continue
		}
		want := c.want
		if want == "peer" {
			want = near.LocalAddr().String()
		}
		rest := make([]byte, len("after"))
		if _, err := io.ReadFull(far, rest); client.String() != want || string(rest) != "after" {
			t.Errorf("%s: %v, then %q, %v; want %s", c.name, client, rest, err, want)
		}
	}
}

// TestProxiesIntroduceClients checks that the gate sees the client, that the loop gets the bytes
// after the header, and that a proxy without a header is closed.
func TestProxiesIntroduceClients(t *testing.T) {
	g := &fakeGate{}
	_, a, addr := newAcceptor(t, g)
	a.Proxies = NewProxies([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	runAcceptor(t, a)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	exchange(t, dial(), header(proxyForward, proxyTCP4, fromIPv4)+"hello", "hello")
	for _, want := range []string{"admit ", "enrolled"} {
		if got := <-g.admitted; got != want {
			t.Fatalf("the gate was told %q, want %q", got, want)
		}
	}
	if got := g.peer.Load().(string); got != "192.0.2.7:4660" {
		t.Errorf("the gate has admitted %s", got)
	}
	const resp = "*1\r\n$4\r\nPING\r\n"
	for sent, want := range map[string]string{
		"ACQUIRE some/lock service 0\n":                "ERROR " + noHeaderAnswer + "\n",
		"PROXY TCP4 192.0.2.7 127.0.0.1 4660 7420\r\n": "ERROR " + noHeaderAnswer + "\n",
		resp + resp: "-" + noHeaderAnswer + "\r\n",
	} {
		c := dial()
		exchange(t, c, sent, want)
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("after %q and its answer it reads %d bytes, %v", sent, n, err)
		}
		if got := <-g.admitted; !strings.Contains(got, "no PROXY header") {
			t.Errorf("the gate was told %q", got)
		}
	}
}

// TestSilentProxyIsToldWhatIsMissing checks that also a proxy that sends nothing learns the reason,
// and one that speaks TLS is closed without a word, because it could not read it.
func TestSilentProxyIsToldWhatIsMissing(t *testing.T) {
	p := NewProxies([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	for _, secure := range []bool{false, true} {
		near, far := tcpPair(t)
		g := &fakeGate{admitted: make(chan string, 1)}
		p.introduce(far, g, secure, func(net.Addr) { t.Error("introduced") })
		got, err := io.ReadAll(near)
		if want := map[bool]string{false: "ERROR " + noHeaderAnswer + "\n"}[secure]; err != nil || string(got) != want {
			t.Errorf("TLS %t: %q, %v, want %q", secure, got, err, want)
		}
		<-g.admitted
	}
}
