package admin

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/engine"
	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/engine/observe"
)

// The fake has no locks, and answers the JSON side only as far as tests of access need.

// Observe returns what the stream asks each second, whether there is a viewer or not.
func (f *fake) Observe() *observe.Observer { return nobody }

var nobody = observe.New(observe.Config{})

func (f *fake) Warnings() []engine.Warning { return nil }

func (f *fake) About() *engine.About { return &engine.About{} }

func (f *fake) Clients(context.Context, int, string) (*engine.ClientsPage, bool) { return nil, false }

func (f *fake) NameClients(context.Context, []observe.WaiterRow) {}

func (f *fake) Disconnect(context.Context, int64, []byte, string, string) codec.Code {
	return codec.Unknown
}

func (f *fake) WriteImage(context.Context) (durability.ImageState, error) {
	return durability.ImageState{}, durability.ErrNoImages
}

func (f *fake) ForceRelease(context.Context, []byte, codec.Token, []byte, string, string) ([]byte, codec.Code) {
	return nil, codec.NotHeld
}

// rig is a real engine with its HTTP side.
type rig struct {
	t    *testing.T
	e    *engine.Engine
	side *Server
	base string
}

// The tokens of rigs with tokens.
func withTokens(c *engine.Config) {
	for _, cred := range []auth.Credential{
		{Name: "reader", Role: auth.RoleRead}, {Name: "worker", Role: auth.RoleLock}, {Name: "boss", Role: auth.RoleAdmin},
		{Name: "team", Role: auth.RoleLock, Bounds: auth.Bounds{Prefixes: []string{"team/"}}},
		{Name: "standby", Role: auth.RoleBackup}, {Name: "scraper", Role: auth.RoleMetrics},
	} {
		cred.SHA256 = sha256.Sum256([]byte(cred.Name))
		c.Credentials = append(c.Credentials, cred)
	}
}

func withAdminToken(c *engine.Config) {
	sum := sha256.Sum256([]byte("boss"))
	c.AdminToken, c.AdminName = &sum, "admin.token"
}

// newRig starts an engine and its HTTP side. They end with the test.
func newRig(t *testing.T, change func(*engine.Config)) *rig {
	t.Helper()
	cfg := engine.Config{Listen: "127.0.0.1:0", Loops: 2, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	e, err := engine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	side, err := Listen("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- e.Serve(ctx) }()
	go func() { done <- side.Serve(ctx, e) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Errorf("Serve: %v", err)
			}
		}
	})
	return &rig{t: t, e: e, side: side, base: "http://" + side.Addr().String()}
}

// lockConn is a connection to the lock port.
type lockConn struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (r *rig) dial() *lockConn {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.e.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return &lockConn{r.t, conn, bufio.NewReader(conn)}
}

func (p *lockConn) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// do sends a line and returns the first line of the answer, which must begin with want.
func (p *lockConn) do(line, want string) string {
	p.t.Helper()
	p.send(line)
	return p.expect(want)
}

func (p *lockConn) expect(want string) string {
	p.t.Helper()
	got, err := p.in.ReadString('\n')
	if got = strings.TrimSpace(got); err != nil || !strings.HasPrefix(got, want) {
		p.t.Fatalf("got %q, %v; want %q...", got, err, want)
	}
	return got
}

// get asks the JSON side and decodes the answer.
func (r *rig) get(token, path string, into any) (status int) {
	r.t.Helper()
	for {
		status, body, header := ask(r.t, "GET", r.base+"/api/v1/"+path, token)
		if status != http.StatusTooManyRequests {
			return r.decode(status, body, header, into)
		}
	}
}

func (r *rig) decode(status int, body string, header http.Header, into any) int {
	r.t.Helper()
	if kind := header.Get("Content-Type"); kind != "application/json; charset=utf-8" || header.Get("Cache-Control") != "no-store" {
		r.t.Errorf("headers %v", header)
	}
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if _, isMap := into.(*map[string]any); isMap || status == http.StatusOK {
		// Fields that a row lacks must not be those of an earlier answer.
		reflect.ValueOf(into).Elem().SetZero()
		if err := d.Decode(into); err != nil {
			r.t.Errorf("%q: %v", body, err)
		}
	}
	return status
}

// patiently asks again while this address asks too fast, which is not what the test is about.
func (r *rig) patiently(method, path, token string) (status int, body string) {
	for {
		status, body, _ = ask(r.t, method, r.base+"/api/v1/"+path, token)
		if status != http.StatusTooManyRequests || !strings.Contains(body, "times a second") {
			return status, body
		}
	}
}

// post sends a JSON object.
func (r *rig) post(token, path, body string, into any, headers ...string) (status int) {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.base+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusTooManyRequests {
		return r.post(token, path, body, into, headers...)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.decode(res.StatusCode, string(text), res.Header, into)
}

// TestRolesOfTheJSONSide asks each question with each role.
func TestRolesOfTheJSONSide(t *testing.T) {
	r := newRig(t, withTokens)
	tokens := []string{"", "unknown", "scraper", "standby", "reader", "worker", "boss"}
	for _, c := range []struct {
		method, path string
		want         []int
	}{
		{"GET", "me", []int{401, 401, 403, 200, 200, 200, 200}},
		{"GET", "server", []int{401, 401, 403, 200, 200, 200, 200}},
		{"GET", "stats", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "locks", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "lock?name=a", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "top", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "prefixes", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "owner?service=s", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "deadlocks", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "graph?lock=a", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "events", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "history", []int{401, 401, 403, 403, 200, 200, 200}},
		{"GET", "clients", []int{401, 401, 403, 403, 403, 403, 200}},
		{"POST", "disconnect", []int{401, 401, 403, 403, 403, 403, 400}},
		{"POST", "snapshot", []int{401, 401, 403, 403, 403, 403, 400}},
		{"POST", "force-release", []int{401, 401, 403, 403, 403, 403, 400}},
		{"POST", "promote", []int{401, 401, 403, 403, 403, 403, 400}},
		{"POST", "depose", []int{401, 401, 403, 403, 403, 403, 400}},
	} {
		for i, token := range tokens {
			status, body := r.patiently(c.method, c.path, token)
			if token == "unknown" && status == http.StatusTooManyRequests {
				continue // the address has shown many
			}
			if status != c.want[i] {
				t.Errorf("%s %s with %q: %d %s, want %d", c.method, c.path, token, status, body, c.want[i])
			}
			if status >= 400 && !strings.HasPrefix(body, `{"code":"`) {
				t.Errorf("%s %s with %q: %s", c.method, c.path, token, body)
			}
		}
	}
}

// TestAnOpenServerShowsButDestroysNothing: without configured tokens, everybody on the machine may
// look, and nobody may destroy without the admin token.
func TestAnOpenServerShowsButDestroysNothing(t *testing.T) {
	r := newRig(t, withAdminToken)
	var me meAnswer
	if status := r.get("", "me", &me); status != 200 || me.Role != "read" || me.Token || len(me.May) != 2 {
		t.Errorf("%d %+v", status, me)
	}
	r.dial().do("ACQUIRE a svc 0", "OK")
	var page observe.LocksPage
	if r.get("", "locks", &page); len(page.Rows) != 1 {
		t.Errorf("%+v", page)
	}
	const body = `{"name":"a","token":1,"reason":"r"}`
	var refused map[string]any
	if status := r.post("", "force-release", body, &refused); status != 401 || refused["code"] != "NOAUTH" {
		t.Errorf("%d %v", status, refused)
	}
	if status := r.post("boss", "force-release", body, &refused); status != 409 || refused["code"] != "STALE" {
		t.Errorf("%d %v", status, refused)
	}
}

func TestForceReleaseByToken(t *testing.T) {
	r := newRig(t, withTokens)
	holder, waiter := r.dial(), r.dial()
	for _, p := range []*lockConn{holder, waiter} {
		p.do("AUTH worker", "OK")
		p.do("DETAIL ON", "OK")
	}
	holder.do("ACQUIRE a holder 0", "OK")
	waiter.send("ACQUIRE a waiter 60000")
	var v observe.LockView
	for r.get("boss", "lock?name=a", &v); v.Waiters == 0; {
		r.get("boss", "lock?name=a", &v)
	}
	var refused map[string]any
	for body, want := range map[string]int{
		fmt.Sprintf(`{"name":"a","token":%d,"reason":"r"}`, v.Token+1): 409,
		fmt.Sprintf(`{"name":"b","token":%d,"reason":"r"}`, v.Token):   409,
		fmt.Sprintf(`{"name":"a","token":%d}`, v.Token):                400,
		fmt.Sprintf(`{"name":"","token":%d,"reason":"r"}`, v.Token):    400,
		`{"name":"a","reason":"r"}`:                                    400,
		`{"name":"a","token":1.5,"reason":"r"}`:                        400,
		`{"name":"a\\xZZ","token":1,"reason":"r"}`:                     400,
		`{"name":"a","token":1,"reason":"r","more":1}`:                 400,
		`[]`: 400, ``: 400, `{} {}`: 400,
		`{"name":"` + strings.Repeat("x", 9000) + `"}`:                        400,
		`{"name":"` + strings.Repeat("x", 1025) + `","token":1,"reason":"r"}`: 400,
		`{"name":"a","token":1,"reason":"` + strings.Repeat("x", 513) + `"}`:  400,
		fmt.Sprintf(`{"name":"a","token":%d,"reason":"r"}`, codec.TokenMax+1): 400,
	} {
		clear(refused)
		if status := r.post("boss", "force-release", body, &refused); status != want || refused["code"] == "" || refused["message"] == "" {
			t.Errorf("%.80s: %d %v", body, status, refused)
		}
	}
	good := fmt.Sprintf(`{"name":"a","token":%d,"reason":"gone"}`, v.Token)
	if status := r.post("boss", "force-release", good, &refused, "Content-Type", "text/plain"); status != 400 {
		t.Errorf("a form can send this: %d", status)
	}
	if status := r.post("boss", "force-release", good, &refused, "Origin", "http://evil.example"); status != 403 {
		t.Errorf("a foreign page: %d", status)
	}
	var done forceAnswer
	if status := r.post("boss", "force-release", good, &done, "Origin", r.base, "Sec-Fetch-Site", "same-origin"); status != 200 || string(done.Owner) != "holder" {
		t.Errorf("%d %+v", status, done)
	}
	waiter.expect("OK token=") // the lock went on to the first of the queue
	if status := r.post("boss", "force-release", good, &refused); status != 409 || refused["code"] != "STALE" {
		t.Errorf("the next holder was hit: %d %v", status, refused)
	}
}

// TestHostileNames: every byte comes back, as text that is valid UTF-8.
func TestHostileNames(t *testing.T) {
	r := newRig(t, nil)
	p := r.dial()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, name := range []string{`<img src=x onerror=alert(1)>`, `a"b\c`, "\u202eevil\u009b31m", "\xff\xfe", string(all), strings.Repeat("\xff", 1024)} {
		quoted := string(codec.AppendQuoted(nil, []byte(name)))
		p.do("ACQUIRE "+quoted+` svc 0 META "<b>"`, "OK")
		escaped := quoted[1 : len(quoted)-1]
		var v observe.LockView
		if status := r.get("", "lock?name="+url.QueryEscape(escaped), &v); status != 200 || v.State != "held" || string(v.LockRow.Lock) != name {
			t.Errorf("%q: %d %+v", name, status, v)
		}
		var page observe.LocksPage
		if r.get("", "locks?prefix="+url.QueryEscape(escaped), &page); len(page.Rows) != 1 || string(page.Rows[0].Lock) != name {
			t.Errorf("%q: %+v", name, page)
		}
		p.do("RELEASE "+quoted+" svc", "OK")
	}
}

// TestPrefixesHideNames: a token with prefixes sees its names, and how many it does not see.
func TestPrefixesHideNames(t *testing.T) {
	r := newRig(t, withTokens)
	p := r.dial()
	p.do("AUTH worker", "OK")
	for _, name := range []string{"team/1", "team/2", "other/1"} {
		p.do("ACQUIRE "+name+" svc 0", "OK")
	}
	var page observe.LocksPage
	if r.get("team", "locks", &page); len(page.Rows) != 2 || page.Hidden != 1 || page.Of != 3 || page.Cursor != "" || page.Progress != 1 {
		t.Errorf("%+v", page)
	}
	var refused map[string]any
	if status := r.get("team", "lock?name=other/1", &refused); status != 403 || refused["code"] != "DENIED" {
		t.Errorf("%d %v", status, refused)
	}
	var me meAnswer
	if r.get("team", "me", &me); len(me.Prefixes) != 1 || string(me.Prefixes[0]) != "team/" {
		t.Errorf("%+v", me)
	}
}

// TestPagesOfLocks: pages of any size list each lock once.
func TestPagesOfLocks(t *testing.T) {
	r := newRig(t, nil)
	p := r.dial()
	for i := range 500 {
		p.do(fmt.Sprintf("ACQUIRE n/%d svc-%d 0", i, i%2), "OK")
	}
	for _, query := range []string{"limit=7", "limit=1000", "limit=100&owner=svc-1", "state=held&prefix=n/1"} {
		seen, want := map[string]int{}, 500
		switch {
		case strings.Contains(query, "owner"):
			want = 250
		case strings.Contains(query, "prefix"):
			want = 111
		}
		for cursor := "-"; cursor != ""; {
			var page observe.LocksPage
			if status := r.get("", "locks?"+query+"&cursor="+strings.Trim(cursor, "-"), &page); status != 200 {
				t.Fatalf("%s: %d", query, status)
			}
			for _, row := range page.Rows {
				seen[string(row.Lock)]++
			}
			cursor = page.Cursor
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s is listed %d times", query, name, n)
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d locks, want %d", query, len(seen), want)
		}
	}
	var refused map[string]any
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "cursor=x", "state=x", "prefix=%5C", "owner=" + strings.Repeat("x", 257)} {
		if status := r.get("", "locks?"+query, &refused); status != 400 {
			t.Errorf("%s: %d", query, status)
		}
	}
}
