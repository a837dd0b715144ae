package main

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dlm/internal/testcert"
)

// TestAdviceAboutTLS checks that each mistake with https:// is answered with what to do.
func TestAdviceAboutTLS(t *testing.T) {
	ca, dir := testcert.NewCA(t), t.TempDir()
	testcert.Write(t, dir, map[string][]byte{"ca": ca.PEM})
	authorities := filepath.Join(dir, "ca")
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	over := func(changes ...testcert.Change) *httptest.Server {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Pair(changes...)}}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	right, ended := over(), over(testcert.Until(time.Now().Add(-time.Minute)))
	for _, c := range []struct{ name, url, ca, want string }{
		{"an authority that is not known", right.URL, "", "with --ca"},
		{"a certificate that has ended", ended.URL, authorities, "or renew the certificate"},
		{"a plain port over TLS", "https" + strings.TrimPrefix(plain.URL, "http"), authorities, "give it with http://"},
		{"a port of TLS as plain text", "http" + strings.TrimPrefix(right.URL, "https"), "", "give it with https://"},
	} {
		for _, verb := range []string{"promote", "health"} {
			args := []string{verb, "--http", c.url}
			if c.ca != "" {
				args = append(args, "--ca", c.ca)
			}
			_, stderr, code := command(t, nil, args...)
			if code == exitOK || !strings.Contains(stderr, c.want) {
				t.Errorf("%s, %s: %d %q, want %q", c.name, verb, code, stderr, c.want)
			}
		}
	}
}
