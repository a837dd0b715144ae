package certs

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dlm/internal/testcert"
)

// place is a directory with the files of a server.
type place struct {
	dir   string
	ca    *testcert.CA
	files Files
}

func newPlace(t *testing.T) *place {
	p := &place{dir: t.TempDir(), ca: testcert.NewCA(t)}
	path := func(name string) string { return filepath.Join(p.dir, name) }
	p.files = Files{Cert: path("cert"), Key: path("key"), ClientCA: path("ca")}
	p.issue(t)
	testcert.Write(t, p.dir, map[string][]byte{"ca": p.ca.PEM})
	return p
}

// issue writes a new certificate and its key.
func (p *place) issue(t *testing.T, changes ...testcert.Change) {
	cert, key := p.ca.Issue(changes...)
	testcert.Write(t, p.dir, map[string][]byte{"cert": cert, "key": key})
}

func (p *place) open(t *testing.T) *Keeper {
	t.Helper()
	k, err := Open(p.files)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// handshake connects a client with these settings to a server. It returns the client's view, the
// names of the client's certificate, and both errors.
func handshake(server, client *tls.Config) (seen tls.ConnectionState, err error) {
	near, far := net.Pipe()
	s := tls.Server(far, server)
	done := make(chan error, 1)
	go func() {
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- errors.Join(err, far.Close())
	}()
	c := tls.Client(near, client)
	_, err = c.Read(make([]byte, 1)) // a server of TLS 1.3 refuses after the client's handshake
	seen = c.ConnectionState()
	_ = near.Close()
	return seen, errors.Join(err, <-done)
}

// serial returns the serial number of the certificate that a new client sees.
func (p *place) serial(t *testing.T, server *tls.Config) string {
	t.Helper()
	seen, err := handshake(server, &tls.Config{RootCAs: p.ca.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	return seen.PeerCertificates[0].SerialNumber.String()
}

// TestNewPairIsUsedAndWrongOnesAreNot replaces files below a port that serves.
func TestNewPairIsUsedAndWrongOnesAreNot(t *testing.T) {
	p := newPlace(t)
	k := p.open(t)
	port := k.Server("dlm")
	first := p.serial(t, port)
	if changed, err := k.Look(); changed || err != nil {
		t.Fatalf("unchanged files: %v, %v", changed, err)
	}

	p.issue(t)
	if changed, err := k.Look(); !changed || err != nil {
		t.Fatalf("a new pair: %v, %v", changed, err)
	}
	second := p.serial(t, port)
	if second == first {
		t.Fatal("the old certificate is shown")
	}

	_, otherKey := p.ca.Issue()
	ended, endedKey := p.ca.Issue(testcert.Until(time.Now().Add(-time.Minute)))
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"the key of another certificate", map[string][]byte{"key": otherKey}, "private key does not match"},
		{"no certificate", map[string][]byte{"cert": []byte("hello")}, "cert: no PEM in it: a file that begins"},
		{"an empty certificate", map[string][]byte{"cert": nil}, "the file is empty: write a certificate into it"},
		{"an empty key", map[string][]byte{"key": nil}, "the file is empty: write a private key into it"},
		{"the key in place of the certificate", map[string][]byte{"cert": otherKey}, "swapped with the file of --tls-key"},
		{"a certificate in place of the key", map[string][]byte{"key": ended}, "swapped with the file of --tls-cert"},
		{"no CA", map[string][]byte{"ca": nil}, "no certificate in it"},
		{"a key among the CAs", map[string][]byte{"ca": append(otherKey, p.ca.PEM...)}, "only certificates belong here"},
		{"a certificate that has ended", map[string][]byte{"cert": ended, "key": endedKey}, "and the old one has not"},
	} {
		p.issue(t)
		testcert.Write(t, p.dir, map[string][]byte{"ca": p.ca.PEM})
		testcert.Write(t, p.dir, c.files)
		if changed, err := k.Look(); changed || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", c.name, changed, err)
		}
		if changed, err := k.Look(); changed || err != nil {
			t.Errorf("%s, second look: %v, %v", c.name, changed, err)
		}
		if now := p.serial(t, port); now != second {
			t.Errorf("%s: another certificate is shown", c.name)
		}
	}
	if s := k.Stats(); s.Reloads != 1 || s.ReloadsRefused != 9 || len(s.Ends) != 2 {
		t.Errorf("%+v", s)
	}
}

// TestClientsOfAPort checks versions, protocols and certificates of clients.
func TestClientsOfAPort(t *testing.T) {
	p, other := newPlace(t), testcert.NewCA(t)
	for _, c := range []struct {
		name   string
		server func(*Files)
		client func(*tls.Config)
		want   string // part of the error; empty: none
	}{
		{"as they come", nil, nil, ""},
		{"the protocol", nil, func(c *tls.Config) { c.NextProtos = []string{"h3", "dlm"} }, ""},
		{"a browser", nil, func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }, "no application protocol"},
		{"TLS 1.2", nil, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "protocol version"},
		{"TLS 1.2 that is allowed", func(f *Files) { f.MinVersion = tls.VersionTLS12 }, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, ""},
		{"a certificate", nil, func(c *tls.Config) { c.Certificates = []tls.Certificate{p.ca.Pair()} }, ""},
		{"a certificate of another CA", nil, func(c *tls.Config) { c.GetClientCertificate = show(other.Pair()) }, "unknown authority"},
		{"none where one is required", func(f *Files) { f.ClientRequired = true }, nil, "didn't provide a certificate"},
	} {
		files := p.files
		if c.server != nil {
			c.server(&files)
		}
		k, err := Open(files)
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: p.ca.Pool(), ServerName: "localhost"}
		if c.client != nil {
			c.client(client)
		}
		_, err = handshake(k.Server("dlm"), client)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// show returns a certificate whatever the server believes.
func show(cert tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
}

// TestPrimaryIsBelievedByItsCA checks the settings of a backup's questions.
func TestPrimaryIsBelievedByItsCA(t *testing.T) {
	p, stranger := newPlace(t), newPlace(t)
	p.files.BackupCA = p.files.ClientCA
	port := p.open(t).Server("http/1.1")
	for _, c := range []struct {
		name    string
		backup  *place
		trusted bool
	}{{"its own CA", p, true}, {"another CA", stranger, false}} {
		c.backup.files.BackupCA = c.backup.files.ClientCA
		k := c.backup.open(t)
		if len(k.Primary().Certificates) != 1 || len(k.Stats().Ends) != 3 {
			t.Errorf("%s: %+v", c.name, k.Stats())
		}
		config := k.Primary()
		config.ServerName = "localhost"
		if _, err := handshake(port, config); (err == nil) != c.trusted {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOpenReportsEveryFile checks that a start names all problems.
func TestOpenReportsEveryFile(t *testing.T) {
	p := newPlace(t)
	p.files.CheckKey = func(path string, _ fs.FileInfo) error { return errors.New(path + ": others may read it") }
	p.files.BackupCA = filepath.Join(p.dir, "nowhere")
	_, err := Open(p.files)
	if err == nil || !strings.Contains(err.Error(), "others may read it") || !strings.Contains(err.Error(), "nowhere") {
		t.Fatal(err)
	}
}
