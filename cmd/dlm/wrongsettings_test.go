package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dlm/internal/testcert"
)

// TestWrongSettingsSayWhatToDo starts servers that can't start. Each message names the flag and the
// file or address, and what is wrong with it.
func TestWrongSettingsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ca := testcert.NewCA(t)
	cert, key := ca.Issue()
	testcert.Write(t, dir, map[string][]byte{"cert": cert, "key": key, "empty": nil, "garbage": []byte("?")})
	must(os.Mkdir(at("dir"), 0o700))
	must(os.Mkdir(at("later"), 0o700))
	must(os.WriteFile(at("later/START"), []byte("dlm-start 99\n"), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()
	secure := []string{"--tls-listen", "127.0.0.1:0", "--tls-cert", at("cert"), "--tls-key", at("key")}
	with := func(args ...string) []string { return append(secure[:len(secure):len(secure)], args...) }
	for _, c := range []struct {
		want string // DIR is the directory
		args []string
	}{
		{"--token-file: DIR/no: there is no such file", []string{"--token-file", at("no")}},
		{"--token-file: DIR/dir: this is a directory", []string{"--token-file", at("dir")}},
		{"--token-file: DIR/empty: no [[token]] in it: make one with", []string{"--token-file", at("empty")}},
		{"--token-file: DIR/garbage:1:1: toml", []string{"--token-file", at("garbage")}},
		{"--config: DIR/no: there is no such file", []string{"--config", at("no")}},
		{"--config: DIR/dir: this is a directory", []string{"--config", at("dir")}},
		{"DIR/garbage:1:1: toml", []string{"--config", at("garbage")}},
		{"--tls-cert: DIR/no: there is no such file", with("--tls-cert", at("no"))},
		{"--tls-key: DIR/dir: this is a directory", with("--tls-key", at("dir"))},
		{"--tls-cert: DIR/empty: the file is empty: write a certificate into it", with("--tls-cert", at("empty"))},
		{"--tls-client-ca: DIR/no: there is no such file", with("--tls-client-ca", at("no"))},
		{"--tls-client-ca: DIR/garbage: no certificate in it", with("--tls-client-ca", at("garbage"))},
		{"--tls-client: to require certificates of clients, name their authority with --tls-client-ca", with("--tls-client", "required")},
		{"--backup-ca: DIR/no: there is no such file", []string{"--data-dir", at("b"), "--backup-of", "https://127.0.0.1:1", "--backup-ca", at("no")}},
		{"--audit-log: DIR/no/audit: there is no directory DIR/no: make it", []string{"--audit-log", at("no/audit")}},
		{"DIR/dir is no regular file: give the path of one", []string{"--audit-log", at("dir")}},
		{"--data-dir: DIR/empty: this is a file, or lies in one, and a directory is wanted", []string{"--data-dir", at("empty")}},
		{"DIR/later/START: line 1: format version 99, this dlm knows 2 (use the dlm that wrote it)", []string{"--data-dir", at("later")}},
		{"--cpu-profile: DIR/no/p: there is no directory DIR/no", []string{"--cpu-profile", at("no/p")}},
		{`--listen: "x" is not host:port`, []string{"--listen", "x"}},
		{`--listen: "127.0.0.1:99999" has no port from 0 to 65535`, []string{"--listen", "127.0.0.1:99999"}},
		{`--http: "127.0.0.1:99999" has no port`, []string{"--http", "127.0.0.1:99999"}},
		{`--http: "x" is neither host:port nor off`, []string{"--http", "x"}},
		{`--health: "127.0.0.1:99999" has no port`, []string{"--health", "127.0.0.1:99999"}},
		{"--listen: listen on " + port + ": address already in use", []string{"--listen", port}},
		{"--tls-listen: listen on " + port + ": address already in use", with("--tls-listen", port)},
		{"the HTTP side can't listen on " + port + ": address already in use: choose another with --http", []string{"--http", port}},
		{"the health side can't listen on " + port + ": address already in use: choose another with --health", []string{"--health", port}},
		{"bind: no such file or directory: make the directory of the socket", []string{"--listen", "unix:" + at("no/s")}},
		{"--lease: 30s is longer than the recovery grace of 10s", []string{"--data-dir", at("b"), "--recovery-grace", "10s"}},
		{"--listen: it is off, and there is no --tls-listen", []string{"--listen", "off"}},
	} {
		args := append([]string{"server", "--listen", "127.0.0.1:0", "--http", "off"}, c.args...)
		_, stderr, code := command(t, nil, args...)
		if want := strings.ReplaceAll(c.want, "DIR", dir); code != exitFailure || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, %s\nwant %s", c.args, code, stderr, want)
		}
	}
}
