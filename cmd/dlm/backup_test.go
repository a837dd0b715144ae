package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dlm/cmd/dlm/settings"
	"dlm/engine/clock"
	"dlm/engine/snapshot"
)

// httpOf returns the HTTP address that a server has logged.
func httpOf(t *testing.T, p *process) string {
	t.Helper()
	for _, record := range p.seen {
		if addr, ok := record["http"].(string); ok {
			return addr
		}
	}
	t.Fatal("no HTTP address in the log")
	return ""
}

// TestHandOver moves all locks to a backup while the primary runs. Nothing is lost, and no client
// has to wait for a grace.
func TestHandOver(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	file := writeTokens(t)
	env := []string{"DLM_TOKEN=" + backupToken}
	primary := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", one, "--snapshot-interval", "100ms", "--token-file", file)
	backup := startServer(t, env, "--http", "127.0.0.1:0", "--data-dir", two, "--snapshot-interval", "100ms", "--token-file", file,
		"--backup-of", httpOf(t, primary))

	c := dialLine(t, primary.addr)
	c.ask("AUTH " + adminToken)
	c.ask("DETAIL ON")
	c.ask("ACQUIRE a svc 0")
	held := c.ask("ACQUIRE a svc 0")
	b := dialLine(t, backup.addr)
	b.ask("AUTH " + adminToken)
	waitServesImage(t, b)
	if got := b.ask("ACQUIRE a svc 0"); !strings.HasPrefix(got, fmt.Sprintf("ERROR READONLY %q ", primary.addr)) {
		t.Errorf("a backup grants: %s", got)
	}

	if _, errs, code := command(t, env, "promote", "--http", httpOf(t, backup)); code != exitFailure || !strings.Contains(errs, "may not") {
		t.Errorf("promoted by a backup's token: %d %s", code, errs)
	}
	out, errs, code := command(t, []string{"DLM_TOKEN=" + adminToken}, "promote", "--http", httpOf(t, backup))
	if code != exitOK || !strings.Contains(out, "clean stop") {
		t.Fatalf("promotion: %d %s %s", code, out, errs)
	}
	if err := primary.waitExit(t); err != nil {
		t.Errorf("the old primary: %v", err)
	}
	b.ask("DETAIL ON")
	var token, again uint64
	fmt.Sscanf(held, "OK token=%d", &token)
	if got := b.ask("HEARTBEAT a svc"); !strings.HasPrefix(got, fmt.Sprintf("OK token=%d count=2", token)) {
		t.Errorf("held with %s, then %s", held, got)
	}
	b.ask("RELEASE a svc")
	b.ask("RELEASE a svc")
	if fmt.Sscanf(b.ask("ACQUIRE a other 0"), "OK token=%d", &again); again <= token {
		t.Errorf("token %d after %d", again, token)
	}
	if _, errs, code := command(t, nil, "server", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir", one); code != exitFailure ||
		!strings.Contains(errs, "deposed") {
		t.Errorf("the old primary starts again: %d %s", code, errs)
	}
}

// TestPromoteBesideFrozenPrimary: the primary may be alive, so the backup is not promoted, and the
// command says what it waits for.
func TestPromoteBesideFrozenPrimary(t *testing.T) {
	primary := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", filepath.Join(t.TempDir(), "one"), "--snapshot-interval", "100ms")
	backup := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", filepath.Join(t.TempDir(), "two"), "--snapshot-interval", "100ms", "--backup-of", httpOf(t, primary))
	waitServesImage(t, dialLine(t, backup.addr))
	// The primary receives the request, so it stops, as the error says. On a slow machine it may
	// not have been sent yet when the time is over.
	for wait, stopped := time.Second, false; !stopped; wait *= 2 {
		primary.freeze(t)
		_, errs, code := command(t, nil, "promote", "--http", httpOf(t, backup), "--timeout", wait.String())
		if code != exitFailure || !strings.Contains(errs, "is asked to stop") || !strings.Contains(errs, "--old-is-dead") ||
			!strings.Contains(errs, "within "+clock.InWords(wait)+" that it stopped (it does not answer)") {
			t.Errorf("promotion: %d %s", code, errs)
		}
		primary.signal(t, syscall.SIGCONT)
		var err error
		if stopped, err = primary.exitsWithin(10 * wait); err != nil || !stopped && wait > eventually/10 {
			t.Fatalf("the old primary has stopped: %v, %v", stopped, err)
		}
	}
	if _, errs, code := command(t, nil, "promote", "--http", httpOf(t, backup)); code != exitOK || !strings.Contains(errs, "it does not run") {
		t.Errorf("promotion: %d %s", code, errs)
	}
}

// waitServesImage waits until a backup serves its first image. Its file is there somewhat earlier.
func waitServesImage(t *testing.T, backup *line) {
	t.Helper()
	waitUntil(t, "the backup serves an image", func() bool { return strings.HasPrefix(backup.ask("STATUS a"), "OK") })
}

// TestBackupOfServerInMemory: the backup reports early that the primary keeps no images.
func TestBackupOfServerInMemory(t *testing.T) {
	primary := startServer(t, nil, "--http", "127.0.0.1:0")
	backup := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", t.TempDir(), "--snapshot-interval", "100ms", "--backup-of", httpOf(t, primary))
	if record := backup.waitLog(t, "no image arrived from the primary; the backup tries again each interval"); !strings.Contains(fmt.Sprint(record["error"]), "it has no --data-dir") {
		t.Errorf("logged %v", record)
	}
	res, err := http.Get("http://" + httpOf(t, backup) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 503 || !strings.Contains(string(text), "it has no --data-dir") {
		t.Errorf("readyz: %d %s %v", res.StatusCode, text, err)
	}
}

func TestPromoteWithoutTokenNamesVariable(t *testing.T) {
	p := startServer(t, nil, "--http", "127.0.0.1:0", "--token-file", writeTokens(t))
	for token, want := range map[string]string{"": "put an admin token into DLM_TOKEN", "guessed": "the server does not know the token in DLM_TOKEN",
		backupToken: "the token in DLM_TOKEN does not have the role admin there"} {
		if _, errs, code := command(t, []string{"DLM_TOKEN=" + token}, "promote", "--http", httpOf(t, p)); code != exitFailure || !strings.Contains(errs, want) {
			t.Errorf("%q: %d %s, want %s", token, code, errs, want)
		}
	}
}

// The tokens of writeTokens, by role.
const (
	adminToken  = "dlm_admin-0123456789abcdef"
	backupToken = "dlm_backup-0123456789abcdef"
)

// writeTokens writes a token file with an admin and a backup.
func writeTokens(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for role, token := range map[string]string{"admin": adminToken, "backup": backupToken} {
		entry, err := settings.TokenEntry{Name: role, Role: role}.Text(token)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(entry)
	}
	file := filepath.Join(t.TempDir(), "tokens.toml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSnapshotCommands(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := startServer(t, nil, "--data-dir", dir, "--snapshot-interval", "100ms")
	c := dialLine(t, p.addr)
	began := time.Now()
	c.ask(`ACQUIRE "a lock" svc 0`)
	file := ""
	waitUntil(t, "an image with the lock", func() bool {
		names, _ := snapshot.Images(dir)
		if len(names) == 0 {
			return false
		}
		img, err := snapshot.Open(filepath.Join(dir, names[0]))
		if err != nil {
			return false // removed meanwhile
		}
		defer img.Close()
		file = filepath.Join(t.TempDir(), names[0])
		bytes, err := os.ReadFile(img.Path())
		return err == nil && img.Header().Holds == 1 && os.WriteFile(file, bytes, 0o600) == nil
	})
	if out, errs, code := command(t, nil, "snapshot", "verify", file); code != exitOK || !strings.Contains(out, "sound, 1 holds") {
		t.Errorf("verify: %d %s %s", code, out, errs)
	}
	if out, _, code := command(t, nil, "snapshot", "inspect", "--holds", file); code != exitOK ||
		!strings.Contains(out, "holds          1") || !strings.Contains(out, `lock="a lock" owner="svc" token=`) {
		t.Errorf("inspect: %d %s", code, out)
	}
	out, _, code := command(t, nil, "snapshot", "inspect", "--json", file)
	var facts imageFacts
	if err := json.Unmarshal([]byte(out), &facts); err != nil || code != exitOK || facts.Holds != 1 || facts.Version != snapshot.Version || facts.Begun.Before(began.Add(-time.Minute)) {
		t.Errorf("inspect --json: %d %v %s", code, err, out)
	}
	bytes, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sound := slices.Clone(bytes)
	bytes[len(bytes)-4096] ^= 1
	if err := os.WriteFile(file, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(both, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{snapshot.FileName(1, 1): bytes, snapshot.FileName(1, 2): sound} {
		if err := os.WriteFile(filepath.Join(both, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, errs, code := command(t, nil, "snapshot", "verify", both, filepath.Join(dir, "nothing"), t.TempDir()); code != exitFailure ||
		strings.Count(out, ": sound, 1 holds") != 1 || !strings.Contains(errs, "at byte 12288") ||
		!strings.Contains(errs, "3 problems") || !strings.Contains(errs, "no such file") || !strings.Contains(errs, "there is no image in this directory") {
		t.Errorf("verify of a directory: %d %s %s", code, out, errs)
	}
	for _, what := range []string{"verify", "inspect"} {
		if _, errs, code := command(t, nil, "snapshot", what, file); code != exitFailure || !strings.Contains(errs, "at byte 12288") {
			t.Errorf("%s of a damaged file: %d %s", what, code, errs)
		}
	}
}
