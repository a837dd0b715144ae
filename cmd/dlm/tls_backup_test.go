package main

import (
	"path/filepath"
	"strings"
	"testing"

	"dlm/internal/testcert"
)

// TestHandOverOverTLS promotes a backup whose certificate is its only right at the primary.
func TestHandOverOverTLS(t *testing.T) {
	const roles = `
[[token]]
name = "ops"
role = "admin"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[cert]]
name = "second"
role = "backup"
san = "URI:spiffe://test/second"
`
	dir, ca := t.TempDir(), testcert.NewCA(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	cert, key := ca.Issue()
	second, secondKey := ca.Issue(testcert.URI("spiffe://test/second"))
	testcert.Write(t, dir, map[string][]byte{"ca": ca.PEM, "cert": cert, "key": key, "second": second, "secondkey": secondKey,
		"roles": []byte(roles), "strangers": testcert.NewCA(t).PEM})
	args := func(data, cert, key string, more ...string) []string {
		return append([]string{"--http", "127.0.0.1:0", "--http-tls", "--data-dir", path(data), "--snapshot-interval", "100ms",
			"--token-file", path("roles"), "--tls-cert", path(cert), "--tls-key", path(key), "--tls-client-ca", path("ca")}, more...)
	}
	primary := startServer(t, nil, args("one", "cert", "key")...)
	url := func(p *process) string { return "https://" + strings.TrimSuffix(httpOf(t, p), " over TLS") }
	held := dialLine(t, primary.addr)
	held.ask("AUTH test")
	held.ask("ACQUIRE a svc 0")

	// A primary whose authority is another is not believed.
	wary := startServer(t, nil, args("three", "second", "secondkey", "--backup-of", url(primary), "--backup-ca", path("strangers"))...)
	if got := wary.waitLog(t, "no image arrived from the primary; the backup tries again each interval"); !strings.Contains(got["error"].(string), "unknown authority") {
		t.Errorf("%v", got)
	}
	backup := startServer(t, nil, args("two", "second", "secondkey", "--backup-of", url(primary), "--backup-ca", path("ca"))...)
	b := dialLine(t, backup.addr)
	b.ask("AUTH test")
	waitServesImage(t, b)

	env := []string{"DLM_TOKEN=test"}
	if _, errs, code := command(t, env, "promote", "--http", url(backup)); code != exitFailure || !strings.Contains(errs, "certificate") {
		t.Errorf("without --ca: %d %s", code, errs)
	}
	if out, errs, code := command(t, env, "promote", "--http", url(backup), "--ca", path("ca")); code != exitOK || !strings.Contains(out, "clean stop") {
		t.Fatalf("promotion: %d %s %s", code, out, errs)
	}
	if err := primary.waitExit(t); err != nil {
		t.Errorf("the old primary: %v", err)
	}
	if got := b.ask("HEARTBEAT a svc"); got != "OK" {
		t.Error(got)
	}
	if out, errs, code := command(t, nil, "health", "--http", url(backup), "--ca", path("ca")); code != exitOK {
		t.Errorf("health: %d %s %s", code, out, errs)
	}
}

// TestPlainImagesAreRefusedAtStart checks that a backup of another machine needs TLS.
func TestPlainImagesAreRefusedAtStart(t *testing.T) {
	_, errs, code := command(t, nil, "server", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir", t.TempDir(), "--backup-of", "192.0.2.1:7421")
	if code != exitFailure || !strings.Contains(errs, "over TLS only") {
		t.Errorf("%d %s", code, errs)
	}
}
