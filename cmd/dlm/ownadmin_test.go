package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dlm/cmd/dlm/settings"
)

// post sends a request without a body and returns the status.
func post(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// TestWhatDestroysNeedsAdminRoleOnOpenServerToo: any program of the machine can reach it.
func TestWhatDestroysNeedsAdminRoleOnOpenServerToo(t *testing.T) {
	dir := t.TempDir()
	p := startServer(t, nil, "--http", "127.0.0.1:0", "--data-dir", dir)
	base := "http://" + httpOf(t, p)
	for _, path := range []string{"/depose", "/promote", "/promote?old_is_dead=true"} {
		for token, want := range map[string]int{"": 401, "guessed": 401} {
			if code := post(t, base+path, token); code != want {
				t.Errorf("POST %s with %q: %d, want %d", path, token, code, want)
			}
		}
	}
	file := filepath.Join(dir, "admin.token")
	info, err := os.Lstat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(text))
	c := dial(t, p.addr)
	c.want(t, "ACQUIRE l me 0", "OK")
	c.wantStart(t, "FORCE-RELEASE l", "ERROR DENIED ")
	c.want(t, "AUTH "+token, "OK")
	c.wantStart(t, "FORCE-RELEASE l", "OK")
	if code := post(t, base+"/depose", token); code != 200 {
		t.Errorf("deposed by its admin: %d", code)
	}
	if err := p.waitExit(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(file); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

// TestStartThatFailsLeavesTokenOfServerThatRuns: both use the same directory.
func TestStartThatFailsLeavesTokenOfServerThatRuns(t *testing.T) {
	dir := t.TempDir()
	startServer(t, nil, "--data-dir", dir)
	before, err := os.ReadFile(filepath.Join(dir, "admin.token"))
	if err != nil {
		t.Fatal(err)
	}
	if _, errs, code := command(t, nil, "server", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir", dir); code != exitFailure || !strings.Contains(errs, "in use") {
		t.Fatalf("%d %s", code, errs)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "admin.token")); err != nil || string(after) != string(before) {
		t.Errorf("%q, then %q, %v", before, after, err)
	}
}

// TestServerInMemoryHasAdminToo: its token is in the runtime directory, by port.
func TestServerInMemoryHasAdminToo(t *testing.T) {
	p := startServer(t, nil)
	path := p.waitLog(t, "roles")["access"].(string)
	path = path[strings.LastIndex(path, " ")+1:]
	_, port := hostPort(t, p.addr)
	if filepath.Base(path) != port+".token" {
		t.Fatalf("the log names %q", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dial(t, p.addr).want(t, "AUTH "+strings.TrimSpace(string(text)), "OK")
	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

// TestNoTokenIsWrittenWhereThereIsAdmin: DLM_ADMIN_TOKEN is that admin, and everything else stays
// open.
func TestNoTokenIsWrittenWhereThereIsAdmin(t *testing.T) {
	one, two, token := t.TempDir(), t.TempDir(), settings.NewToken()
	p := startServer(t, []string{"DLM_ADMIN_TOKEN=" + token}, "--http", "127.0.0.1:0", "--data-dir", one, "--snapshot-interval", "100ms")
	if _, err := os.Lstat(filepath.Join(one, "admin.token")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
	backup := startServer(t, []string{"DLM_ADMIN_TOKEN=" + token}, "--http", "127.0.0.1:0", "--data-dir", two,
		"--snapshot-interval", "100ms", "--backup-of", httpOf(t, p)) // shows no token
	waitServesImage(t, dialLine(t, backup.addr))
	if _, errs, code := command(t, nil, "promote", "--http", httpOf(t, backup)); code != exitFailure || !strings.Contains(errs, "DLM_TOKEN") {
		t.Errorf("promoted without a token: %d %s", code, errs)
	}
	if _, errs, code := command(t, []string{"DLM_TOKEN=" + token}, "promote", "--http", httpOf(t, backup)); code != exitOK {
		t.Errorf("promotion: %d %s", code, errs)
	}
}
