package transport

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dlm/internal/testcert"
	"dlm/internal/testflag"
)

// securePort is an acceptor over TLS in front of an echo loop.
type securePort struct {
	*echo
	gate *fakeGate
	ca   *testcert.CA
	a    *Acceptor
	hs   *Handshakes
	addr string
}

func startSecurePort(t *testing.T) *securePort {
	t.Helper()
	p := &securePort{gate: &fakeGate{}, ca: testcert.NewCA(t)}
	pair := p.ca.Pair()
	p.echo, p.a, p.addr = newAcceptor(t, p.gate)
	p.hs = NewHandshakes(&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"dlm"},
		DynamicRecordSizingDisabled: true}, p.gate, p.a.server, NewPermits())
	t.Cleanup(p.hs.Stop) // before the loops
	p.a.TLS = p.hs
	runAcceptor(t, p.a)
	return p
}

// dial connects, and does the handshake.
func (p *securePort) dial(t *testing.T) *tls.Conn {
	t.Helper()
	c := tls.Client(p.connect(t), &tls.Config{RootCAs: p.ca.Pool(), ServerName: "localhost"})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// connect makes a connection without a handshake.
func (p *securePort) connect(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// told checks what the gate is told next.
func (p *securePort) told(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := <-p.gate.admitted; !strings.Contains(got, w) {
			t.Fatalf("the gate was told %q, want %q", got, w)
		}
	}
}

// TestTLSCarriesBothDirections sends small and large pieces, and checks how the connection ends.
func TestTLSCarriesBothDirections(t *testing.T) {
	p := startSecurePort(t)
	c := p.dial(t)
	p.told(t, "admit", "secured", "enrolled")
	exchange(t, c, "hello", "hello")
	exchange(t, c, strings.Repeat("x", 50_000), strings.Repeat("x", 50_000))
	exchange(t, c, "quit", "")
	if how := <-p.ended; how != "lost" {
		t.Fatalf("after Close: %s", how)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("the client sees %d bytes, %v", n, err)
	}
}

// TestTLSKeepsItsEndApart checks that the end of the input within TLS leaves the output open.
func TestTLSKeepsItsEndApart(t *testing.T) {
	p := startSecurePort(t)
	c := p.dial(t)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	exchange(t, c, "", "bye")
	_ = c.NetConn().(*net.TCPConn).SetLinger(0)
	_ = c.NetConn().Close()
	if how := <-p.ended; how != "gone" {
		t.Fatalf("after a reset: %s", how)
	}
}

// TestTLSRefusesWhatItCannotRead checks peers that do not speak TLS, or another protocol in it.
func TestTLSRefusesWhatItCannotRead(t *testing.T) {
	p := startSecurePort(t)
	plain := p.connect(t)
	exchange(t, plain, "ACQUIRE a b 0\n", "ERROR "+plainAnswer+"\n")
	p.told(t, "admit", "does not look like a TLS handshake")
	exchange(t, p.connect(t), "*1\r\n$4\r\nPING\r\n", "-"+plainAnswer+"\r\n")
	p.told(t, "admit", "does not look like a TLS handshake")

	browser := tls.Client(p.connect(t), &tls.Config{RootCAs: p.ca.Pool(), ServerName: "localhost", NextProtos: []string{"h2", "http/1.1"}})
	if err := browser.Handshake(); err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Fatalf("a browser is told %v", err)
	}
	p.told(t, "admit", "unsupported application protocols")

	c := p.dial(t)
	p.told(t, "admit", "secured", "enrolled")
	exchange(t, c, "hello", "hello")
	forged := append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...)
	if _, err := c.NetConn().Write(forged); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
		t.Fatalf("after a forged record the client is told %v", err)
	}
	if how := <-p.ended; how != "gone" {
		t.Fatalf("after a forged record: %s", how)
	}
}

// TestOldestHandshakeMakesRoom fills the places with silent connections. The next one is served,
// and the first of the silent ones is closed.
func TestOldestHandshakeMakesRoom(t *testing.T) {
	p := startSecurePort(t)
	var silent []*net.TCPConn
	for range handshakesMax {
		silent = append(silent, p.connect(t))
		p.told(t, "admit")
	}
	exchange(t, p.dial(t), "hello", "hello")
	if n, err := silent[0].Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("the first silent connection reads %d bytes, %v", n, err)
	}
	seen := map[string]bool{}
	for range 4 { // in any order
		seen[<-p.gate.admitted] = true
	}
	if !seen[ErrHandshakeEvicted.Error()] || !seen["enrolled"] {
		t.Fatalf("the gate was told %v", seen)
	}
}

// stalled is a Conn that writes a large output when it is fed, and goes on when there is room.
type stalled struct {
	*echo
	link Link
	out  []byte
	done chan struct{}
	wake atomic.Pointer[func()]
}

func (c *stalled) Bind(wake, _ func()) { c.wake.Store(&wake) }

func (c *stalled) Open(l Link, _ any) (Conn, uint64) { c.link = l; return c, 1 }

func (c *stalled) Feed([]byte, bool) { c.write() }

func (c *stalled) write() {
	for {
		n, err := c.link.Write(c.out[:min(len(c.out), chunk)])
		if c.out = c.out[n:]; err != nil || len(c.out) == 0 {
			close(c.done)
			return
		}
		if n < chunk {
			unacked, known := c.link.Unacked()
			if sent := len(random) - len(c.out); !known || unacked > sent || c.link.Untransmitted() > unacked {
				c.t.Errorf("of %d bytes %d are not acknowledged, %d not transmitted", sent, unacked, c.link.Untransmitted())
			}
			c.link.Await()
			return
		}
	}
}

func (c *stalled) Woken()                           { c.write() }
func (c *stalled) InputEnded() (alive, output bool) { return false, false }
func (c *stalled) Gone(cause error)                 { c.t.Errorf("gone: %v", cause) }
func (c *stalled) Lost()                            {}

const chunk = 32 << 10

// random is a large output.
var random = func() []byte {
	b := make([]byte, 8<<20)
	rand.Read(b)
	return b
}()

// TestTLSGoesOnWhereTheKernelStopped sends more than the kernel takes to a client that reads late.
func TestTLSGoesOnWhereTheKernelStopped(t *testing.T) {
	c := &stalled{echo: newEcho(t), out: random, done: make(chan struct{})}
	s, err := Start(Config{Loops: []Loop{c}, Writable: func(uint64) { (*c.wake.Load())() }, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	ca := testcert.NewCA(t)
	gate := &fakeGate{admitted: make(chan string, 8)}
	hs := NewHandshakes(&tls.Config{Certificates: []tls.Certificate{ca.Pair()}, DynamicRecordSizingDisabled: true}, gate, s, NewPermits())
	t.Cleanup(hs.Stop)
	near, far := tcpPair(t)
	hs.begin(far, far.RemoteAddr(), "came")
	client := tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"})
	if _, err := client.Write([]byte("go")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"secured", "enrolled"} {
		if got := <-gate.admitted; got != want {
			t.Fatal(got)
		}
	}
	got := make([]byte, len(random))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, random) {
		t.Fatalf("the client reads something else, %v", err)
	}
	<-c.done
}

// TestPlainBytesAreNeverMoreThanTheKernelSays compares the counts with a list of all records: bytes
// of a record that has left completely must not count as untransmitted.
func TestPlainBytesAreNeverMoreThanTheKernelSays(t *testing.T) {
	var c tlsCounts
	var all []mark
	for i := range 1000 {
		n := 1 + i*i%300
		c.sent += int64(n + 22)
		c.add(n)
		all = append(all, mark{c.plain, c.sent})
		for back := int64(0); back <= c.sent; back += 1 + back/3 {
			left := int64(0) // bytes of records that are not among the last encrypted ones
			for _, m := range all {
				if m.cipher <= c.sent-back {
					left = m.plain
				}
			}
			if got := c.after(int(back)); got < 0 || int64(got) > c.plain-left {
				t.Fatalf("record %d: %d bytes among the last %d, and only %d can be", i, got, back, c.plain-left)
			}
		}
	}
	if got := c.after(int(c.sent)); got < int(c.plain)/2 {
		t.Fatalf("%d of %d bytes, after nothing was taken", got, c.plain)
	}
	if got := c.after(22 + 1 + 999*999%300); got != 1+999*999%300 {
		t.Fatalf("%d bytes of the last record", got)
	}
}

// tcpPair returns both ends of a connection.
func tcpPair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.DialTimeout("tcp", l.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

// TestTLSKeepsNoEndlessHandshakeMessage: a peer sends the beginning of a message of the handshake,
// of which crypto/tls keeps 256 KiB, and no data.
func TestTLSKeepsNoEndlessHandshakeMessage(t *testing.T) {
	p := startSecurePort(t)
	var keys bytes.Buffer
	under := p.connect(t)
	c := tls.Client(under, &tls.Config{RootCAs: p.ca.Pool(), ServerName: "localhost", KeyLogWriter: &keys})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	seal := sealer(t, c.ConnectionState().CipherSuite, keys.String())
	_ = under.SetDeadline(time.Now().Add(testflag.Patience))
	const certificate, handshake, data, length = 11, 22, 23, 256 << 10
	if _, err := under.Write(seal(data, []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	echoed := make([]byte, len("hello"))
	if _, err := io.ReadFull(c, echoed); err != nil || string(echoed) != "hello" {
		t.Fatalf("%q %v", echoed, err)
	}
	message := append([]byte{certificate, length >> 16, 0, 0}, make([]byte, length-1)...)
	for sent := 0; sent < len(message); sent += recordMax {
		if _, err := under.Write(seal(handshake, message[sent:min(sent+recordMax, len(message))])); err != nil {
			break // the server has closed it
		}
	}
	if how := <-p.ended; how != "gone" {
		t.Errorf("it ended with %q", how)
	}
}

// sealer returns a function that makes the next record of a client of TLS 1.3, whose secret is in
// the log of its keys.
func sealer(t *testing.T, suite uint16, log string) func(kind byte, plain []byte) []byte {
	t.Helper()
	_, log, _ = strings.Cut(log, "CLIENT_TRAFFIC_SECRET_0 ")
	secret, err := hex.DecodeString(strings.Fields(log)[1])
	if err != nil {
		t.Fatal(err)
	}
	size, hash := 16, sha256.New
	if suite == tls.TLS_AES_256_GCM_SHA384 {
		size, hash = 32, sha512.New384
	}
	expand := func(label string, n int) []byte {
		label = "tls13 " + label
		info := append([]byte{0, byte(n), byte(len(label))}, label...)
		b, err := hkdf.Expand(hash, secret, string(append(info, 0)), n)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if suite == tls.TLS_CHACHA20_POLY1305_SHA256 {
		t.Skip("this processor has no AES, and the standard library no other cipher")
	}
	block, err := aes.NewCipher(expand("key", size))
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv, number := expand("iv", aead.NonceSize()), byte(0)
	return func(kind byte, plain []byte) []byte {
		nonce := bytes.Clone(iv)
		nonce[len(nonce)-1] ^= number
		number++
		n := len(plain) + 1 + aead.Overhead()
		header := []byte{23, 3, 3, byte(n >> 8), byte(n)}
		return aead.Seal(header, nonce, append(bytes.Clone(plain), kind), header)
	}
}
