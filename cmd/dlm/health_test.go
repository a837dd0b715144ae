package main

import (
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	primary := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", t.TempDir())
	backup := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", t.TempDir(), "--backup-of", httpOf(t, primary))
	nobody := freeAddr(t)
	for _, c := range []struct {
		args       []string
		code       int
		out, wrong string
	}{
		{[]string{"--http", httpOf(t, primary)}, exitOK, "ok\n", ""},
		{[]string{"--http", httpOf(t, primary), "--ready"}, exitOK, "ok\n", ""},
		{[]string{"--http", httpOf(t, backup)}, exitOK, "ok\n", ""},
		{[]string{"--http", httpOf(t, backup), "--ready"}, exitFailure, "", "answers 503: a backup"},
		{[]string{"--http", nobody}, exitFailure, "", "refused"},
		{[]string{"--http", "x y"}, exitFailure, "", "invalid"},
	} {
		stdout, stderr, code := command(t, nil, append([]string{"health"}, c.args...)...)
		if code != c.code || stdout != c.out || !strings.Contains(stderr, c.wrong) {
			t.Errorf("dlm health %v: exit code %d, %q %q", c.args, code, stdout, stderr)
		}
	}
}
