package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dlm/internal/testcert"
)

// tlsServer is a server over TLS with its files.
type tlsServer struct {
	*process
	ca     *testcert.CA
	dir    string
	secure string // its address over TLS
}

// startTLS starts a server with a certificate of its own authority. tokens is its token file, or
// empty.
func startTLS(t *testing.T, tokens string, args ...string) *tlsServer {
	t.Helper()
	s := &tlsServer{ca: testcert.NewCA(t), dir: t.TempDir()}
	s.issue(t)
	testcert.Write(t, s.dir, map[string][]byte{"ca.pem": s.ca.PEM, "tokens.toml": []byte(tokens)})
	args = append(args, "--tls-listen", "127.0.0.1:0", "--tls-cert", s.path("cert.pem"), "--tls-key", s.path("key.pem"),
		"--tls-client-ca", s.path("ca.pem"))
	if tokens != "" {
		args = append(args, "--token-file", s.path("tokens.toml"))
	}
	s.process = startServer(t, nil, args...)
	s.secure = s.seen[len(s.seen)-1]["tls"].(string)
	return s
}

func (s *tlsServer) path(name string) string { return filepath.Join(s.dir, name) }

// issue writes a new certificate of the server.
func (s *tlsServer) issue(t *testing.T) {
	cert, key := s.ca.Issue()
	testcert.Write(t, s.dir, map[string][]byte{"cert.pem": cert, "key.pem": key})
}

// handshake connects over TLS. changes are those of a certificate that the client shows.
func (s *tlsServer) handshake(t *testing.T, changes ...testcert.Change) *tls.Conn {
	t.Helper()
	config := &tls.Config{RootCAs: s.ca.Pool(), ServerName: "localhost", NextProtos: []string{"dlm"}}
	if len(changes) > 0 {
		config.Certificates = []tls.Certificate{s.ca.Pair(changes...)}
	}
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: eventually}, Config: config}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.secure)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*tls.Conn)
}

// dial is handshake for a client of the text form.
func (s *tlsServer) dial(t *testing.T, changes ...testcert.Change) *client {
	t.Helper()
	conn := s.handshake(t, changes...)
	return newClient(conn, conn)
}

// TestClientsShareLocksOverTLS lets a client over TLS and a plain one wait for each other.
func TestClientsShareLocksOverTLS(t *testing.T) {
	s := startTLS(t, "")
	secure, plain := s.dial(t), dial(t, s.addr)
	secure.want(t, "ACQUIRE l a 0", "OK")
	plain.send(t, "ACQUIRE l b 60000")
	secure.waitWaiters(t, "l", 1)
	secure.want(t, "RELEASE l a", "OK")
	if got := plain.receive(t); got != "OK" {
		t.Fatal(got)
	}
	lost := s.handshake(t)
	if _, err := io.WriteString(lost, "ACQUIRE l c 60000\n"); err != nil {
		t.Fatal(err)
	}
	plain.waitWaiters(t, "l", 1)
	_ = lost.Close()
	plain.waitWaiters(t, "l", 0)

	s.signal(t, syscall.SIGTERM)
	if _, open := <-secure.lines; open {
		t.Error("a line before the end of the connection")
	}
	if err := s.waitExit(t); err != nil {
		t.Error(err)
	}
}

// TestOnlyTLS starts a server without a plain port.
func TestOnlyTLS(t *testing.T) {
	s := startTLS(t, "", "--listen", "off")
	if s.addr != s.secure {
		t.Errorf("the first address is %s, over TLS %s", s.addr, s.secure)
	}
	s.dial(t).want(t, "ACQUIRE l a 0", "OK")
	stdout, err := exec.CommandContext(t.Context(), "sh", "-c", s.waitLog(t, "something to try")["command"].(string)).Output()
	if err != nil && !strings.Contains(string(stdout), "OK") {
		t.Errorf("the command of the log says %q, %v", stdout, err)
	}
}

// TestPeersThatAreRefusedInTheHandshake shows what a browser and a plain client get.
func TestPeersThatAreRefusedInTheHandshake(t *testing.T) {
	s := startTLS(t, "")
	_, err := tls.Dial("tcp", s.secure, &tls.Config{RootCAs: s.ca.Pool(), ServerName: "localhost", NextProtos: []string{"h2", "http/1.1"}})
	if err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Errorf("a browser gets %v", err)
	}
	_, err = tls.Dial("tcp", s.secure, &tls.Config{RootCAs: s.ca.Pool(), ServerName: "localhost", MaxVersion: tls.VersionTLS12})
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2 gets %v", err)
	}
	dial(t, s.secure).wantStart(t, "PING", "ERROR BADARG this port serves TLS only")
	dial(t, s.addr).wantStart(t, "\x16\x03\x01", "ERROR ")
}

// TestCertificatesAreCredentials gives a role to a name in a certificate, and takes it away.
func TestCertificatesAreCredentials(t *testing.T) {
	const tokens = `
[[token]]
name = "ops"
role = "admin"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[cert]]
name = "billing"
san = "URI:spiffe://test/billing"
role = "lock"
prefixes = ["billing/"]
`
	s := startTLS(t, tokens)
	named := s.dial(t, testcert.URI("spiffe://test/billing"))
	named.want(t, "ACQUIRE billing/1 a 0", "OK")
	named.wantStart(t, "ACQUIRE other a 0", "ERROR DENIED ")
	named.want(t, "AUTH test", "OK")
	named.want(t, "ACQUIRE other a 0", "OK")

	stranger := s.dial(t, testcert.URI("spiffe://test/billing2"), testcert.DNS("billing"))
	stranger.wantStart(t, "ACQUIRE billing/2 a 0", "ERROR NOAUTH ")
	stranger.want(t, "AUTH test", "OK")
	s.dial(t).wantStart(t, "ACQUIRE billing/2 a 0", "ERROR NOAUTH ")
	s.dial(t).wantStart(t, "AUTH certificate URI:spiffe://test/billing", "ERROR ")

	second := s.dial(t, testcert.URI("spiffe://test/billing"))
	second.want(t, "ACQUIRE billing/3 a 0", "OK")
	testcert.Write(t, s.dir, map[string][]byte{"tokens.toml": []byte(tokens[:strings.Index(tokens, "[[cert]]")])})
	s.signal(t, syscall.SIGHUP)
	if got := second.receive(t); !strings.HasPrefix(got, "ERROR NOAUTH ") {
		t.Fatal(got)
	}
	named.want(t, "PING", "OK") // by its token
}

// TestCertificateCanBeRequired refuses a client without one.
func TestCertificateCanBeRequired(t *testing.T) {
	s := startTLS(t, "", "--tls-client", "required")
	s.dial(t, testcert.DNS("x")).want(t, "ACQUIRE l a 0", "OK")
	if line, open := <-s.dial(t).lines; open {
		t.Fatalf("a client without a certificate reads %q", line)
	}
}

// TestCertificatesAreReadAgain replaces the certificate of a running server, by a good one and by a
// wrong one.
func TestCertificatesAreReadAgain(t *testing.T) {
	records := filepath.Join(t.TempDir(), "audit")
	s := startTLS(t, "", "--audit-log", records)
	old := s.handshake(t)
	serial := func(c *tls.Conn) string { return c.ConnectionState().PeerCertificates[0].SerialNumber.String() }
	s.issue(t)
	s.signal(t, syscall.SIGHUP)
	s.waitLog(t, "certificates read again")
	renewed := s.handshake(t)
	if serial(renewed) == serial(old) {
		t.Fatal("the old certificate is shown")
	}
	newClient(old, old).want(t, "PING", "OK")

	_, key := s.ca.Issue()
	testcert.Write(t, s.dir, map[string][]byte{"key.pem": key})
	s.signal(t, syscall.SIGHUP)
	record := s.waitLog(t, "the certificate files have mistakes: the previous certificates stay")
	if !strings.Contains(fmt.Sprint(record["error"]), "does not match") {
		t.Errorf("%v", record)
	}
	if serial(s.handshake(t)) != serial(renewed) {
		t.Fatal("another certificate is shown")
	}
	waitUntil(t, "the audit has both changes", func() bool {
		text, err := os.ReadFile(records)
		return err == nil && strings.Count(string(text), `"event":"cert-reload"`) == 2 && strings.Contains(string(text), "does not match")
	})
}

// opensslClient starts openssl s_client, whose input is that of a person at a terminal.
func (s *tlsServer) opensslClient(t *testing.T, args ...string) *client {
	t.Helper()
	openssl := needProgram(t, "openssl", "openssl")
	args = append([]string{"s_client", "-quiet", "-connect", s.secure, "-CAfile", s.path("ca.pem"),
		"-verify_return_error", "-servername", "localhost"}, args...)
	cmd := exec.CommandContext(t.Context(), openssl, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Process.Kill(); _ = cmd.Wait() })
	return newClient(out, in)
}

// TestOpenSSL speaks over the TLS of OpenSSL, in both versions.
func TestOpenSSL(t *testing.T) {
	s := startTLS(t, "", "--tls-min", "1.2")
	for _, version := range []string{"-tls1_3", "-tls1_2"} {
		c := s.opensslClient(t, version, "-alpn", "dlm")
		c.want(t, "ACQUIRE l a 0", "OK")
		c.want(t, "RELEASE l a", "OK")
	}
}

// TestKeysCanBeUpdated asks the server for new keys, which OpenSSL does for the lines K and k.
func TestKeysCanBeUpdated(t *testing.T) {
	s := startTLS(t, "")
	openssl := needProgram(t, "openssl", "openssl")
	cmd := exec.CommandContext(t.Context(), openssl, "s_client", "-connect", s.secure, "-CAfile", s.path("ca.pem"), "-servername", "localhost")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout // says when the keys are there
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Process.Kill(); _ = cmd.Wait() })
	c := newClient(out, in)
	skipTo := func(want string) {
		t.Helper()
		for c.receive(t) != want {
		}
	}
	for i := range 40 {
		c.send(t, "K")
		skipTo("KEYUPDATE")
		c.send(t, fmt.Sprintf("@t%d PING", i))
		skipTo(fmt.Sprintf("@t%d OK", i))
	}
}

// TestRedisClientsOverTLS runs clients of Redis.
func TestRedisClientsOverTLS(t *testing.T) {
	s := startTLS(t, "")
	host, port := hostPort(t, s.secure)
	t.Run("redis-cli", func(t *testing.T) {
		cli := needProgram(t, "redis-cli", "redis-tools")
		out := runClient(t, ".", cli, "-h", host, "-p", port, "--tls", "--cacert", s.path("ca.pem"), "--sni", "localhost", "ACQUIRE", "l", "a", "0")
		if !strings.HasPrefix(out, "token\n") {
			t.Error(out)
		}
	})
	t.Run("redis-py", func(t *testing.T) {
		if out, err := exec.CommandContext(t.Context(), debianPython, "-c", "import redis").CombinedOutput(); err != nil {
			missing(t, "%s has no redis (package python3-redis): %v\n%s", debianPython, err, out)
		}
		out := runClient(t, ".", debianPython, "-c", `
import redis, sys
r = redis.Redis(host="localhost", port=int(sys.argv[1]), ssl=True, ssl_ca_certs=sys.argv[2])
with r.pipeline(transaction=False) as p:
    for i in range(10000):
        p.execute_command("ACQUIRE", "py%d" % i, "s", 0)
    answers = p.execute()
print(len(answers), r.ping())
`, port, s.path("ca.pem"))
		if out != "10000 True\n" {
			t.Error(out)
		}
	})
}

// TestSlowHandshakesHoldNobodyUp keeps 64 handshakes open. Others are served meanwhile, and each
// silent connection ends.
func TestSlowHandshakesHoldNobodyUp(t *testing.T) {
	s := startTLS(t, "")
	var silent []net.Conn
	for range 64 {
		c, err := net.DialTimeout("tcp", s.secure, eventually)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte{22, 3, 1, 2}); err != nil { // the begin of a record
			t.Fatal(err)
		}
		silent = append(silent, c)
	}
	s.dial(t).want(t, "ACQUIRE l a 0", "OK")
	dial(t, s.addr).wantStart(t, "STATUS l", "OK state=held")
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(eventually))
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Fatalf("a silent connection reads %d bytes, %v", n, err)
		}
	}
}
