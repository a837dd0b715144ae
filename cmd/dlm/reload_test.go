package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"dlm/internal/testcert"
)

const oneReader = "[[token]]\nname = 'r'\nrole = 'read'\nsha256 = '%064x'\n"

// TestHangupTellsWhatWasRead sends SIGHUP with and without changes of the files.
func TestHangupTellsWhatWasRead(t *testing.T) {
	s := startTLS(t, fmt.Sprintf(oneReader, 1), "--audit-log", filepath.Join(t.TempDir(), "audit"))
	hangup := func(certificates, tokens bool) {
		t.Helper()
		s.signal(t, syscall.SIGHUP)
		s.waitLog(t, "the audit opens its file again before the next record")
		if got := s.waitLog(t, "certificates read again")["changed"]; got != certificates {
			t.Errorf("certificates have changed: %v, want %v", got, certificates)
		}
		if got := s.waitLog(t, "token file read again"); got["changed"] != tokens || got["file"] != s.path("tokens.toml") {
			t.Errorf("%v, want changed=%v", got, tokens)
		}
	}
	hangup(false, false)
	s.issue(t)
	hangup(true, false)
	testcert.Write(t, s.dir, map[string][]byte{"tokens.toml": []byte(fmt.Sprintf(oneReader, 2))})
	hangup(false, true)

	// A mistake that stays is told at each SIGHUP.
	_, key := s.ca.Issue()
	testcert.Write(t, s.dir, map[string][]byte{"key.pem": key})
	for range 2 {
		s.signal(t, syscall.SIGHUP)
		s.waitLog(t, "the certificate files have mistakes: the previous certificates stay")
		s.waitLog(t, "token file read again")
	}
}

// TestHangupWithoutFiles: a server without files has nothing to read.
func TestHangupWithoutFiles(t *testing.T) {
	p := startServer(t, nil)
	p.signal(t, syscall.SIGHUP)
	p.waitLog(t, "SIGHUP: this server has no file to read again: no --token-file, no --tls-cert, no --audit-log")
}

// TestNamesThatNobodyCanShow warns of certificates without an authority, at the start and later.
func TestNamesThatNobodyCanShow(t *testing.T) {
	const cert = "[[cert]]\nname = '%d'\nrole = 'lock'\nsan = 'DNS:%[1]d.example'\n"
	const warning = "no client can show a certificate for the [[cert]] entries of the token file: name the authority of clients with --tls-client-ca"
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		testcert.Write(t, dir, map[string][]byte{"tokens.toml": []byte(text)})
	}
	write(fmt.Sprintf(cert, 1))
	p := startServer(t, nil, "--token-file", filepath.Join(dir, "tokens.toml"))
	entries := 0.0
	for _, record := range p.seen {
		if record["msg"] == warning {
			entries = record["entries"].(float64)
		}
	}
	if entries == 0 {
		entries = p.waitLog(t, warning)["entries"].(float64)
	}
	if entries != 1 {
		t.Errorf("%v entries at the start, want 1", entries)
	}
	write(fmt.Sprintf(cert, 1) + fmt.Sprintf(cert, 2))
	p.signal(t, syscall.SIGHUP)
	if got := p.waitLog(t, warning)["entries"]; got != 2.0 {
		t.Errorf("%v entries, want 2", got)
	}
}
