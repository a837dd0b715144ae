package main

import (
	"crypto/sha256"
	"os"
	"strings"
	"syscall"
	"testing"

	"dlm/cmd/dlm/settings"
)

// makeToken runs `dlm token new` and returns the token and its file entry.
func makeToken(t *testing.T, args ...string) (token, entry string) {
	t.Helper()
	stdout, stderr, code := command(t, nil, append([]string{"token", "new"}, args...)...)
	if code != exitOK {
		t.Fatalf("dlm token new %v: exit code %d, %s", args, code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	return lines[len(lines)-1], stdout
}

// TestOutputOfTokenNewIsEntry: the output can be appended to the file and does not contain the
// token.
func TestOutputOfTokenNewIsEntry(t *testing.T) {
	token, entry := makeToken(t, "--name", "x", "--role", "lock")
	more, again := makeToken(t, "--name", "y", "--role", "read")
	creds, problems := settings.ParseTokens("t", []byte(entry+again))
	if len(problems) > 0 || len(creds) != 2 || creds[1].SHA256 != sha256.Sum256([]byte(more)) || strings.Contains(entry, token) {
		t.Errorf("%v %v\n%s%s", creds, problems, entry, again)
	}
}

func TestNewTokenAuthenticates(t *testing.T) {
	lockToken, lockEntry := makeToken(t, "--name", "billing", "--role", "lock", "--prefix", "billing/", "--prefix", "shared")
	adminToken, adminEntry := makeToken(t, "--name", "ops", "--role", "admin")
	if lockToken == adminToken || !strings.HasPrefix(lockToken, "dlm_") || len(lockToken) != 47 {
		t.Fatalf("tokens %q and %q", lockToken, adminToken)
	}
	file := writeFile(t, "tokens.toml", 0o600, lockEntry+"\n"+adminEntry)
	p := startServer(t, nil, "--token-file", file)
	if got := p.waitLog(t, "roles")["access"]; got != "2 tokens: 1 admin, 1 lock" {
		t.Errorf("roles line: %q", got)
	}

	c := dial(t, p.addr)
	c.wantStart(t, "ACQUIRE billing/1 svc 0", "ERROR NOAUTH ")
	c.wantStart(t, "AUTH "+adminToken[:20], "ERROR DENIED ")
	c.want(t, "AUTH "+lockToken, "OK")
	c.want(t, "ACQUIRE billing/1 svc 0", "OK")
	c.want(t, "ACQUIRE shared svc 0", "OK")
	c.wantStart(t, "ACQUIRE other svc 0", "ERROR DENIED ")
	c.wantStart(t, "FORCE-RELEASE billing/1", "ERROR DENIED ")

	admin := dial(t, p.addr)
	admin.want(t, "AUTH "+adminToken, "OK")
	admin.wantStart(t, "FORCE-RELEASE billing/1", "OK")
	c.wantStart(t, "HEARTBEAT billing/1 svc", "ERROR NOTHELD ")
}

func TestTokenFileIsReadAgainOnHangup(t *testing.T) {
	first, firstEntry := makeToken(t, "--name", "first", "--role", "lock")
	second, secondEntry := makeToken(t, "--name", "second", "--role", "lock")
	file := writeFile(t, "tokens.toml", 0o600, firstEntry)
	p := startServer(t, nil, "--token-file", file)

	old := dial(t, p.addr)
	old.want(t, "AUTH "+first, "OK")
	dial(t, p.addr).wantStart(t, "AUTH "+second, "ERROR DENIED ")

	rewrite(t, file, secondEntry)
	p.signal(t, syscall.SIGHUP)
	p.waitLog(t, "token file read again")
	dial(t, p.addr).want(t, "AUTH "+second, "OK")
	dial(t, p.addr).wantStart(t, "AUTH "+first, "ERROR DENIED ")
	if got := old.receive(t); !strings.HasPrefix(got, "ERROR NOAUTH ") {
		t.Errorf("a connection whose token is gone: %q", got)
	}

	rewrite(t, file, "[[token]]\nname = 'broken'\n")
	p.signal(t, syscall.SIGHUP)
	record := p.waitLog(t, "the token file has mistakes: the previous tokens stay")
	if text := record["error"].(string); !strings.Contains(text, "role is missing") || !strings.Contains(text, "sha256 is missing") {
		t.Errorf("logged: %s", text)
	}
	dial(t, p.addr).want(t, "AUTH "+second, "OK")
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAdminTokenLeavesRestOpen(t *testing.T) {
	token := settings.NewToken()
	p := startServer(t, []string{"DLM_ADMIN_TOKEN=" + token})
	c := dial(t, p.addr)
	c.want(t, "ACQUIRE l svc 0", "OK")
	c.wantStart(t, "FORCE-RELEASE l", "ERROR DENIED ")
	c.want(t, "AUTH "+token, "OK")
	c.wantStart(t, "FORCE-RELEASE l", "OK")
	c.wantStart(t, "RELEASE l svc", "ERROR NOTHELD ")
}

func TestOpenServerForcesNothing(t *testing.T) {
	p := startServer(t, nil)
	c := dial(t, p.addr)
	c.want(t, "ACQUIRE l svc 0", "OK")
	c.wantStart(t, "FORCE-RELEASE l", "ERROR DENIED ")
	c.want(t, "RELEASE l svc", "OK")
}

func TestTokenFileOthersMayReadIsRefused(t *testing.T) {
	_, entry := makeToken(t, "--name", "x", "--role", "lock")
	file := writeFile(t, "tokens.toml", 0o644, entry)
	_, stderr, code := command(t, nil, "server", "--listen", "127.0.0.1:0", "--token-file", file)
	if code != exitFailure || !strings.Contains(stderr, "chmod 600 "+file) {
		t.Errorf("exit code %d, stderr:\n%s", code, stderr)
	}
}

func TestReachableAddressWithoutTokensIsLoud(t *testing.T) {
	p := startServer(t, nil, "--listen", "0.0.0.0:0", "--insecure-no-auth")
	if got := p.waitLog(t, "roles")["access"].(string); !strings.Contains(got, "EVERYBODY") {
		t.Errorf("roles line: %q", got)
	}
	if log := p.log(); !strings.Contains(log, "level:WARN") || !strings.Contains(log, "NO AUTHENTICATION") {
		t.Errorf("no warning in the log:\n%s", log)
	}
}
