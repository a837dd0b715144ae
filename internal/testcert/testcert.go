// Package testcert makes certificates for tests. Keys are of P-256, which is quick to make.
package testcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is an authority that issues certificates.
type CA struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	PEM  []byte // its certificate
}

// NewCA makes an authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	key := newKey(t)
	ca := &CA{t: t, key: key}
	ca.cert, ca.PEM = sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}, nil, key, key)
	return ca
}

// Pool returns a pool with the authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Change changes a certificate before it is signed.
type Change func(*x509.Certificate)

// URI adds a SAN such as spiffe://test/billing.
func URI(text string) Change {
	return func(c *x509.Certificate) {
		u, err := url.Parse(text)
		if err != nil {
			panic(err)
		}
		c.URIs = append(c.URIs, u)
	}
}

// DNS adds a SAN that is a host name.
func DNS(name string) Change {
	return func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, name) }
}

// Until sets the end of the certificate.
func Until(end time.Time) Change { return func(c *x509.Certificate) { c.NotAfter = end } }

// Issue returns a certificate and its key, both as PEM. It is good for clients, and for servers on
// localhost.
func (ca *CA) Issue(changes ...Change) (cert, key []byte) {
	ca.t.Helper()
	own := newKey(ca.t)
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "test"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, change := range changes {
		change(template)
	}
	_, cert = sign(ca.t, template, ca.cert, own, ca.key)
	der, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		ca.t.Fatal(err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Pair is Issue for crypto/tls.
func (ca *CA) Pair(changes ...Change) tls.Certificate {
	ca.t.Helper()
	pair, err := tls.X509KeyPair(ca.Issue(changes...))
	if err != nil {
		ca.t.Fatal(err)
	}
	return pair
}

// Write writes files of mode 0600 into a directory.
func Write(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign signs the certificate of the key own by that of an issuer; nil: by itself.
func sign(t testing.TB, c, issuer *x509.Certificate, own, by *ecdsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	if issuer == nil {
		issuer = c
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = serial, time.Now().Add(-time.Hour)
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(24 * time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, own.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
