package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// auditRecord is one line of a file of --audit-log.
type auditRecord struct {
	Event, Outcome, By, From, What, Lock, Owner, Reason, Detail string
	Token, Count                                                uint64
}

// waitAudit waits until a record of that event and outcome is in the file.
func waitAudit(t *testing.T, path, event, outcome string) (found auditRecord) {
	t.Helper()
	for deadline := time.Now().Add(eventually); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			var r auditRecord
			if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &r) == nil && r.Event == event && r.Outcome == outcome {
				return r
			}
		}
	}
	text, _ := os.ReadFile(path)
	t.Fatalf("no %s %s in\n%s", event, outcome, text)
	return found
}

// TestAuditFile reads the file of a server: what its admin does, who was refused, rotation, and
// that nothing is forced, and no token taken, while it can't be written.
func TestAuditFile(t *testing.T) {
	token, entry := makeToken(t, "--name", "ops", "--role", "admin")
	lockToken, lockEntry := makeToken(t, "--name", "web", "--role", "lock")
	file := writeFile(t, "tokens.toml", 0o600, entry+lockEntry)
	dir := filepath.Join(t.TempDir(), "audit")
	must(os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "audit.jsonl")
	p := startServer(t, nil, "--token-file", file, "--audit-log", path)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}

	web, ops := dial(t, p.addr), dial(t, p.addr)
	web.wantStart(t, "AUTH wrong", "ERROR DENIED ")
	web.want(t, "AUTH "+lockToken, "OK")
	web.want(t, "ACQUIRE l web-1 0", "OK")
	web.wantStart(t, "FORCE-RELEASE l", "ERROR DENIED ")
	ops.want(t, "AUTH "+token, "OK")
	ops.wantStart(t, `FORCE-RELEASE l REASON "it hangs"`, "OK")
	if r := waitAudit(t, path, "forced-release", "done"); r.By != "ops" || r.Lock != "l" || r.Owner != "web-1" || r.Token == 0 || r.Reason != "it hangs" {
		t.Errorf("%+v", r)
	}
	if r := waitAudit(t, path, "wrong-token", ""); r.From != "127.0.0.1" || r.Count != 1 || r.What != "lock port" {
		t.Errorf("%+v", r)
	}
	if r := waitAudit(t, path, "denied", ""); r.By != "web" || r.What != "FORCE-RELEASE" {
		t.Errorf("%+v", r)
	}
	waitAudit(t, path, "admin-auth", "")

	must(os.Rename(path, path+".1"))
	p.signal(t, syscall.SIGHUP)
	waitAudit(t, path, "token-reload", "done")

	must(os.RemoveAll(dir))
	web.want(t, "ACQUIRE l web-1 0", "OK")
	ops.wantStart(t, "FORCE-RELEASE l", "ERROR LIMIT audit ") // also the first
	p.waitLog(t, "the audit can't be written: commands of admins are refused until it can")
	ops.wantStart(t, "FORCE-RELEASE l", "ERROR LIMIT audit ")
	web.want(t, "HEARTBEAT l web-1", "OK")
	newToken, newEntry := makeToken(t, "--name", "new", "--role", "admin")
	rewrite(t, file, entry+lockEntry+newEntry)
	p.signal(t, syscall.SIGHUP)
	p.waitLog(t, "the token file is not read, because the audit can't be written: the previous tokens stay")
	dial(t, p.addr).wantStart(t, "AUTH "+newToken, "ERROR DENIED ")
	must(os.Mkdir(dir, 0o700))
	p.waitLog(t, "the audit is written again")
	waitAudit(t, path, "forced-release", "LIMIT")
	ops.wantStart(t, "FORCE-RELEASE l", "OK")
	p.signal(t, syscall.SIGHUP)
	p.waitLog(t, "token file read again")
	dial(t, p.addr).want(t, "AUTH "+newToken, "OK")
	waitAudit(t, path, "token-reload", "asked")
	p.signal(t, syscall.SIGTERM)
	if err := p.waitExit(t); err != nil {
		t.Error(err)
	}
	waitAudit(t, path, "forced-release", "done")
	if strings.Contains(p.log(), "forced release") {
		t.Error("the log has records of the audit, too")
	}
}

func TestAuditFileMustBeRegular(t *testing.T) {
	_, stderr, code := command(t, nil, "server", "--listen", "127.0.0.1:0", "--http", "off", "--audit-log", "/dev/null")
	if code != exitFailure || !strings.Contains(stderr, "/dev/null is no regular file") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
