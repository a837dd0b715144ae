package settings

import (
	"strings"
	"testing"
)

// TestFilesOfTLSThatDoNotFit: each mistake is told with its flag and what goes with it, before a
// file is opened.
func TestFilesOfTLSThatDoNotFit(t *testing.T) {
	const pair = "--tls-cert=c.pem --tls-key=k.pem "
	for args, want := range map[string]string{
		"--tls-listen=127.0.0.1:0 --tls-key=k.pem":                   "--tls-key: a key needs its certificate",
		"--tls-listen=127.0.0.1:0 --tls-cert=c.pem":                  "--tls-cert: a certificate needs its key",
		"--tls-client-ca=ca.pem":                                     "--tls-client-ca: clients show certificates to a server that has one",
		"--tls-listen=127.0.0.1:0 " + pair + "--tls-client=required": "--tls-client: to require certificates of clients, name their authority",
		pair:         "--tls-cert: nothing is served over TLS",
		"--http-tls": "--http-tls: TLS needs a certificate and its key",
		"--data-dir=d --backup-of=127.0.0.1:7 --backup-ca=ca.pem": "--backup-ca: it is for --backup-of https://",
	} {
		_, err := loadFrom(t, strings.Fields(args), nil, "")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
