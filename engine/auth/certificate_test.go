package auth

import (
	"crypto/sha256"
	"crypto/x509"
	"net/url"
	"slices"
	"testing"
)

func TestNamesOfCertificate(t *testing.T) {
	cert := &x509.Certificate{DNSNames: []string{"a.test"}, URIs: []*url.URL{{Scheme: "spiffe", Host: "test", Path: "/b"}}}
	cert.Subject.CommonName = "nobody"
	if got := NamesOf(cert); !slices.Equal(got, []string{"URI:spiffe://test/b", "DNS:a.test"}) {
		t.Error(got)
	}
}

// TestCertificatesAndTokensAreApart checks who gets which identity, before and after a change of
// the credentials.
func TestCertificatesAndTokensAreApart(t *testing.T) {
	san := "DNS:a.test"
	creds := []Credential{{Name: "token", Role: RoleRead, SHA256: sha256.Sum256([]byte("t"))},
		{Name: "cert", Role: RoleLock, SAN: san, SHA256: CertificateKey(san)}}
	a, without := NewAuthority(creds, nil, ""), NewAuthority(creds[:1], nil, "")
	for _, c := range []struct {
		name  string
		names []string
		want  string // name of the credential
		role  Role
	}{
		{"the name is known", []string{"DNS:other", san}, "cert", RoleLock},
		{"it is not", []string{"DNS:a.test.", "URI:a.test", "a.test"}, "", RoleNone},
		{"there is no certificate", nil, "", RoleNone},
	} {
		id := a.OfCertificate(c.names)
		if id.Name != c.want || id.Role != c.role {
			t.Errorf("%s: %+v", c.name, id)
		}
		before, _ := without.Current(&Identity{}, c.names)
		if now, ok := a.Current(&before, c.names); !ok || now.Name != c.want {
			t.Errorf("%s: after the credential came it is %+v", c.name, now)
		}
		if _, ok := without.Current(&id, c.names); ok != (c.want == "") {
			t.Errorf("%s: after the credential is gone, %v", c.name, ok)
		}
	}
	for _, token := range []string{san, "certificate " + san, ""} {
		if id, ok := a.Identify([]byte(token)); ok {
			t.Errorf("the token %q is %+v", token, id)
		}
	}
}
