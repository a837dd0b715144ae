package durability

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dlm/engine/snapshot"
	"dlm/internal/testcert"
)

// TestErrorsOverTLSNameTheFlag follows primaries whose port, name or authority is not what the
// backup was told. The errors of a fetch and of a promotion name the flag that helps.
func TestErrorsOverTLSNameTheFlag(t *testing.T) {
	ca := testcert.NewCA(t)
	for _, c := range []struct {
		name, primary, base string
		trusted             bool
		want                string
	}{
		{"an authority that it does not know", "tls", "https://", false, "with --backup-ca"},
		{"a name that is not in the certificate", "other", "https://", true, "with --backup-of, or renew"},
		{"a primary that wants a certificate", "mutual", "https://", true, "with --tls-cert and --tls-key"},
		{"a plain port", "plain", "https://", true, "give the primary --http-tls"},
		{"a port of TLS", "tls", "http://", true, "--backup-of https://..., and its authorities with --backup-ca"},
	} {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Pair()}, ClientCAs: ca.Pool()}
		switch c.primary {
		case "other":
			server.TLS.Certificates[0] = ca.Pair(func(c *x509.Certificate) { c.IPAddresses = nil })
			server.StartTLS()
		case "plain":
			server.Start()
		case "mutual":
			server.TLS.ClientAuth = tls.RequireAndVerifyClientCert
			fallthrough
		default:
			server.StartTLS()
		}
		settings := &Settings{BackupOf: c.base + server.Listener.Addr().String(), BackupTLS: func() *tls.Config {
			if c.trusted {
				return &tls.Config{RootCAs: ca.Pool()}
			}
			return &tls.Config{}
		}}
		from := newSource(settings, snapshot.Lineage{})
		_, err := from.fetch(t.Context(), nil, t.TempDir())
		_, promotion := from.stepDown(t.Context(), "")
		for what, err := range map[string]error{"fetch": err, "promotion": promotion} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v\nwant %s", c.name, what, err, c.want)
			}
		}
		server.Close()
	}
}
