package admin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dlm/engine"
	"dlm/engine/audit"
	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/engine/transport"
)

// fake is an Engine without locks.
type fake struct {
	hung        []string
	wrong       []netip.Addr
	denied      []string
	open        bool // without tokens
	unready     []string
	path        string
	asked       func() // called when the newest image is asked for; nil: nothing
	promoted    []bool
	waits       []time.Duration
	promotion   error
	steppedDown int
	follows     bool
	stopping    bool
	memory      bool
	audit       *audit.Log
	work        transport.Permits
}

func (f *fake) Audit() *audit.Log {
	if f.audit == nil {
		f.audit = audit.New(audit.ToLog(slog.DiscardHandler), slog.New(slog.DiscardHandler))
	}
	return f.audit
}

func (f *fake) Stats() engine.Stats { return engine.Stats{} }

func (f *fake) Hung() []string { return f.hung }

func (f *fake) WrongToken(from netip.Addr) time.Duration {
	f.wrong = append(f.wrong, from)
	if len(f.wrong) > 5 {
		return 1500 * time.Millisecond
	}
	return 0
}

func (f *fake) NoteDenied(what, by, _ string) { f.denied = append(f.denied, what+" by "+by) }

func (f *fake) Unready() []string { return f.unready }

func (f *fake) Visitor(token string, anybody auth.Role) (auth.Identity, bool) {
	if f.open && token == "" {
		return auth.Identity{Name: "anybody", Role: anybody}, true
	}
	id, ok := map[string]auth.Identity{"a": {Name: "ann", Role: auth.RoleAdmin}, "b": {Name: "bob", Role: auth.RoleBackup},
		"m": {Name: "mia", Role: auth.RoleMetrics}, "l": {Name: "lou", Role: auth.RoleLock}}[token]
	return id, ok
}

// IdentifyCertificate knows the names b.test, of a backup, and a.test, of an admin.
func (f *fake) IdentifyCertificate(cert *x509.Certificate) (auth.Identity, bool) {
	for _, name := range auth.NamesOf(cert) {
		switch name {
		case "DNS:b.test":
			return auth.Identity{Name: "backup's machine", Role: auth.RoleBackup}, true
		case "DNS:a.test":
			return auth.Identity{Name: "admin's machine", Role: auth.RoleAdmin}, true
		}
	}
	return auth.Identity{}, false
}

func (f *fake) HandshakeWork() transport.Permits {
	if f.work == nil {
		f.work = transport.NewPermits()
	}
	return f.work
}

func (f *fake) KeepsImages() bool { return !f.memory }

func (f *fake) LockAddress() string { return "127.0.0.1:7420" }

func (f *fake) NewestImage() (path, etag string, age time.Duration) {
	if f.asked != nil {
		f.asked()
	}
	return f.path, `"x-1-2"`, 1234 * time.Millisecond
}

func (f *fake) Promote(_ context.Context, how durability.PromoteRequest) (string, error) {
	f.promoted = append(f.promoted, how.OldIsDead)
	f.waits = append(f.waits, how.Wait)
	if how.Progress != nil {
		how.Progress("waiting")
		how.Progress("waiting\nfor the second time")
	}
	return "promoted", f.promotion
}

func (f *fake) Follows() bool { return f.follows }

func (f *fake) StepDown(context.Context, string) (string, error) {
	f.steppedDown++
	if f.stopping {
		return "", fmt.Errorf("%w: so", durability.ErrStopping)
	}
	return "image-9", nil
}

// serve starts the HTTP side on a free port of loopback. It ends with the test.
func serve(t *testing.T, f *fake) (s *Server, base string) {
	t.Helper()
	return serveOver(t, f, nil)
}

// serveOver is serve, over TLS unless the settings are nil.
func serveOver(t *testing.T, f *fake, config *tls.Config) (s *Server, base string) {
	t.Helper()
	s, err := Listen("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.AllowHosts([]string{"locks.Example"})
	s.TLS = config
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, f) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s, "http://" + s.Addr().String()
}

// ask sends a request with a token and with headers (names and values in turn). It returns status
// and body.
func ask(t *testing.T, method, url, token string, headers ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(body)), res.Header
}

func TestHealth(t *testing.T) {
	f := &fake{}
	_, base := serve(t, f)
	if code, body, _ := ask(t, "GET", base+"/livez", ""); code != 200 || body != "ok" {
		t.Errorf("livez %d %s", code, body)
	}
	f.hung = []string{"loop 1 has not run for 5.0 s"}
	if code, body, _ := ask(t, "GET", base+"/livez", ""); code != 503 || body != "hung" {
		t.Errorf("livez of a server that hangs: %d %s", code, body)
	}
	if code, body, _ := ask(t, "GET", base+"/readyz", ""); code != 200 || body != "ok" {
		t.Errorf("readyz %d %s", code, body)
	}
	f.unready = []string{"the disk is full", "stopping"}
	for _, c := range []struct {
		token, body string
		open        bool
		headers     []string
	}{
		{"", "unready", false, nil},
		{"guessed", "unready", false, nil},
		{"l", "the disk is full\nstopping", false, nil},
		{"", "the disk is full\nstopping", true, nil},
		{"", "unready", true, []string{"Sec-Fetch-Site", "cross-site"}},
		{"", "unready", true, []string{"Host", "evil.example"}},
	} {
		f.open = c.open
		if code, body, _ := ask(t, "GET", base+"/readyz", c.token, c.headers...); code != 503 || body != c.body {
			t.Errorf("readyz with %+v: %d %s", c, code, body)
		}
	}
	f.open = false
	for _, path := range []string{"/promote", "/nothing"} {
		if code, _, _ := ask(t, "GET", base+path, "a"); code != 404 && code != 405 {
			t.Errorf("GET %s: %d", path, code)
		}
	}
}

func TestRoles(t *testing.T) {
	f := &fake{path: filepath.Join(t.TempDir(), "image")}
	if err := os.WriteFile(f.path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, base := serve(t, f)
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/snapshot", "", 401}, {"GET", "/snapshot", "wrong", 401}, {"GET", "/snapshot", "l", 403},
		{"GET", "/snapshot", "b", 200}, {"GET", "/snapshot", "a", 200},
		{"POST", "/promote", "", 401}, {"POST", "/promote", "b", 403}, {"POST", "/promote", "a", 200},
		{"POST", "/depose", "b", 403}, {"POST", "/depose", "a", 200},
	} {
		if code, body, _ := ask(t, c.method, base+c.path, c.token); code != c.want {
			t.Errorf("%s %s with %q: %d %s, want %d", c.method, c.path, c.token, code, body, c.want)
		}
	}
	if code, _, _ := ask(t, "POST", base+"/promote", "a", "Origin", "http://evil.example"); code != 403 {
		t.Errorf("a web page may promote: %d", code)
	}
	if len(f.promoted) != 1 || f.steppedDown != 1 {
		t.Errorf("%d promotions, %d depositions: refused ones were carried out", len(f.promoted), f.steppedDown)
	}
}

func TestSnapshot(t *testing.T) {
	f := &fake{}
	s, base := serve(t, f)
	if code, _, _ := ask(t, "GET", base+"/snapshot", "b"); code != 204 {
		t.Errorf("without an image: %d", code)
	}
	f.path = filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(f.path, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, body, header := ask(t, "GET", base+"/snapshot", "b")
	if code != 200 || body != "0123456789" || header.Get("ETag") != `"x-1-2"` {
		t.Errorf("%d %s %v", code, body, header)
	}
	if code, _, _ := ask(t, "GET", base+"/snapshot", "b", "If-None-Match", `"x-1-2"`); code != 304 {
		t.Errorf("the same image again: %d", code)
	}
	if code, body, _ := ask(t, "GET", base+"/snapshot", "b", "Range", "bytes=7-", "If-Range", `"x-1-2"`); code != 206 || body != "789" {
		t.Errorf("the rest: %d %s", code, body)
	}
	if code, body, _ := ask(t, "GET", base+"/snapshot", "b", "Range", "bytes=7-", "If-Range", `"x-1-1"`); code != 200 || body != "0123456789" {
		t.Errorf("the rest of another image: %d %s", code, body)
	}
	for range transfers {
		s.slots <- struct{}{}
	}
	if code, _, header := ask(t, "GET", base+"/snapshot", "b"); code != 503 || header.Get("Retry-After") == "" {
		t.Errorf("too many at once: %d", code)
	}
	for range transfers {
		<-s.slots
	}
	f.path += "-gone"
	if code, _, _ := ask(t, "GET", base+"/snapshot", "b"); code != 503 {
		t.Errorf("an image that was removed: %d", code)
	}
}

func TestPromoteAndStepDown(t *testing.T) {
	f := &fake{promotion: errors.New("the primary has not confirmed")}
	s, base := serve(t, f)
	if code, body, _ := ask(t, "POST", base+"/promote", "a"); code != 409 || !strings.Contains(body, "not confirmed") {
		t.Errorf("%d %s", code, body)
	}
	f.promotion = nil
	if code, body, _ := ask(t, "POST", base+"/promote?old_is_dead=true", "a"); code != 200 || body != "promoted" || !f.promoted[1] || f.promoted[0] {
		t.Errorf("%d %s %v", code, body, f.promoted)
	}
	f.path = filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(f.path, []byte("last"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, "GET", base+"/snapshot", "b")
	get := func(method, backup, byteRange string) {
		t.Helper()
		req, err := http.NewRequest(method, base+"/snapshot", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer b")
		req.Header.Set(durability.HeaderBackup, backup)
		if byteRange != "" {
			req.Header.Set("Range", byteRange)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	mine, other := "one", "two"
	get("GET", mine, "")
	req, _ := http.NewRequest("POST", base+"/depose", nil)
	req.Header.Set("Authorization", "Bearer a")
	req.Header.Set(durability.HeaderBackup, mine)
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	get("GET", other, "")
	get("HEAD", mine, "")
	get("GET", mine, "bytes=0-1")
	select {
	case <-s.Fetched():
		t.Error("what is no transfer to the end, to that backup, after it was deposed, counts")
	default:
	}
	get("GET", mine, "bytes=2-")
	<-s.Fetched()
}

// TestImageBeforeLastIsNotTheLast: the server is deposed while it answers with its newest image.
func TestImageBeforeLastIsNotTheLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, []byte("before the last"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fake{path: path}
	s, base := serve(t, f)
	f.asked = func() { s.successor.CompareAndSwap(nil, new(string)) }
	ask(t, "GET", base+"/snapshot", "b")
	select {
	case <-s.Fetched():
		t.Error("an image that the server chose before it was deposed counts")
	default:
	}
	ask(t, "GET", base+"/snapshot", "b")
	<-s.Fetched()
}

// TestHosts: a page whose own name was pointed here gets nothing without a token.
func TestHosts(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1:7421": true, "localhost:1": true, "localhost": true, "[::1]:2": true, "::1": true,
		"10.0.0.1": true, "evil.example": false, "evil.example:7421": false, "": false} {
		if (&Server{}).allows(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	s, _ := serve(t, &fake{})
	if _, err := Listen(s.Addr().String(), slog.Default()); err == nil || !strings.Contains(err.Error(), "--http off") {
		t.Errorf("%v", err)
	}
}

// TestProgressOfPromotion: progress is sent before the answer and leaves its status alone.
func TestProgressOfPromotion(t *testing.T) {
	f := &fake{promotion: errors.New("no")}
	_, base := serve(t, f)
	req, err := http.NewRequest("POST", base+"/promote?timeout=7s", nil)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
		told = append(told, header.Get(HeaderProgress))
		return nil
	}}
	req.Header.Set("Authorization", "Bearer a")
	res, err := http.DefaultClient.Do(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if want := "waiting|waiting for the second time"; strings.Join(told, "|") != want || res.StatusCode != http.StatusConflict || res.Header.Get(HeaderProgress) != "" {
		t.Errorf("told %q, then %d %v", told, res.StatusCode, res.Header)
	}
	if len(f.waits) != 1 || f.waits[0] != 7*time.Second {
		t.Errorf("waits %v", f.waits)
	}
	for _, bad := range []string{"7", "0s", "-1s", "100h"} {
		if code, body, _ := ask(t, "POST", base+"/promote?timeout="+bad, "a"); code != 400 || len(f.waits) != 1 {
			t.Errorf("timeout=%s: %d %s", bad, code, body)
		}
	}
}

// TestStepDownOfServerThatStops: the backup may ask again.
func TestStepDownOfServerThatStops(t *testing.T) {
	_, base := serve(t, &fake{stopping: true})
	if code, body, header := ask(t, "POST", base+"/depose", "a"); code != 503 || header.Get("Retry-After") == "" {
		t.Errorf("%d %s", code, body)
	}
}

// TestNoImageYetIsNotNever: a backup must be able to tell the two apart, and to see which server it
// asks.
func TestNoImageYetIsNotNever(t *testing.T) {
	f := &fake{}
	_, base := serve(t, f)
	if code, _, header := ask(t, "GET", base+"/snapshot", "b"); code != 204 || header.Get(durability.HeaderRole) != "" {
		t.Errorf("none yet: %d %v", code, header)
	}
	f.follows = true
	if code, _, header := ask(t, "GET", base+"/snapshot", "b"); code != 204 || header.Get(durability.HeaderRole) != durability.RoleOfBackup {
		t.Errorf("a backup that has none yet: %d %v", code, header)
	}
	f.follows, f.memory = false, true
	if code, body, _ := ask(t, "GET", base+"/snapshot", "b"); code != 404 || !strings.Contains(body, "--data-dir") {
		t.Errorf("memory only: %d %s", code, body)
	}
}

// TestAgeOfImage: the age is sent with the image, and with the answer that the image is still the
// newest.
func TestAgeOfImage(t *testing.T) {
	f := &fake{path: filepath.Join(t.TempDir(), "image")}
	if err := os.WriteFile(f.path, []byte("image"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, base := serve(t, f)
	for etag, want := range map[string]int{"": 200, `"x-1-2"`: 304} {
		if code, _, header := ask(t, "GET", base+"/snapshot", "b", "If-None-Match", etag); code != want || header.Get(durability.HeaderAge) != "1234" {
			t.Errorf("If-None-Match %s: %d %v", etag, code, header)
		}
	}
}
