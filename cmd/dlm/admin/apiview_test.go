package admin

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"dlm/engine"
	"dlm/engine/auth"
	"dlm/engine/observe"
	"dlm/internal/testflag"
)

// queues lets waiters wait: lock q<i> has i+1 of them.
func (r *rig) queues(n int, auth ...string) {
	r.t.Helper()
	holder := r.dial()
	for _, line := range auth {
		holder.do(line, "OK")
	}
	for i := range n {
		holder.do(fmt.Sprintf(`ACQUIRE team/q%d holder 0 META "<b>"`, i), "OK")
		for j := range i + 1 {
			waiter := r.dial()
			for _, line := range auth {
				waiter.do(line, "OK")
			}
			waiter.send(fmt.Sprintf("ACQUIRE team/q%d w-%d 60000", i, j))
		}
	}
	r.waitFor(n * (n + 1) / 2)
}

// waitFor returns when so many requests wait, because the loops have read them.
func (r *rig) waitFor(waiters int) {
	r.t.Helper()
	r.until(func() bool { return r.e.Stats().Table.Waiters >= waiters })
}

// until returns when seen has been true. Views are shared, so the first answer may be older than
// what the test has just done.
func (r *rig) until(seen func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(testflag.Patience); !seen(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not seen within %v", testflag.Patience)
		}
	}
}

// TestTopOverHTTP: each order, and what a token with prefixes does not see.
func TestTopOverHTTP(t *testing.T) {
	r := newRig(t, withTokens)
	r.queues(5, "AUTH worker")
	p := r.dial()
	p.do("AUTH worker", "OK")
	p.do("ACQUIRE other/1 svc 0", "OK")
	for range 10 {
		r.dial().send("AUTH worker\nACQUIRE other/1 w 60000")
	}
	r.waitFor(25)
	var a observe.TopAnswer
	r.until(func() bool {
		r.get("reader", "top?by=waiters&limit=3", &a)
		return len(a.Rows) == 3 && a.Rows[0].Waiters == 10
	})
	if string(a.Rows[1].Lock) != "team/q4" || a.Rows[1].Waiters != 5 || string(a.Rows[1].Owner) != "holder" || a.Rows[1].Mode != "exclusive" ||
		a.Rows[1].TTLMs != 30_000 || string(a.Rows[1].Meta) != "<b>" || a.Truncated || a.Hidden != 0 || a.By != "waiters" {
		t.Errorf("%+v", a.Rows[1])
	}
	if r.get("team", "top?limit=3", &a); len(a.Rows) != 3 || a.Hidden != 1 || string(a.Rows[0].Lock) != "team/q4" {
		t.Errorf("%+v", a)
	}
	for _, by := range []string{"wait", "heat", "hold"} {
		if status := r.get("reader", "top?by="+by, &a); status != 200 || string(a.By) != by {
			t.Errorf("%s: %d %+v", by, status, a)
		}
	}
	var refused map[string]any
	if status := r.get("reader", "top?by=name", &refused); status != 400 {
		t.Errorf("%d %v", status, refused)
	}
	var census observe.PrefixAnswer
	r.until(func() bool { r.get("reader", "prefixes", &census); return census.Of == 6 })
	if len(census.Rows) != 2 || string(census.Rows[0].Prefix) != "team/" || census.Rows[0].Locks != 5 {
		t.Errorf("%+v", census)
	}
	if r.get("team", "prefixes", &census); len(census.Rows) != 1 || census.Hidden != 1 {
		t.Errorf("%+v", census)
	}
}

// TestOneLockWithItsQueue: positions, waits, and pages of OWNER.
func TestOneLockWithItsQueue(t *testing.T) {
	r := newRig(t, nil)
	r.queues(4)
	var v observe.LockView
	r.get("", "lock?name=team/q3", &v)
	if len(v.Queue) != 4 || v.Waiters != 4 || v.QueueCursor != "" || string(v.Queue[0].Service) != string(v.Next) {
		t.Fatalf("%+v", v)
	}
	for i, w := range v.Queue {
		if w.Position != i+1 || w.LeftMs > 60_000 || w.LeftMs < 30_000 || w.WaitedMs < 0 {
			t.Errorf("%+v", w)
		}
	}
	seen := map[string]int{}
	for cursor := "-"; cursor != ""; {
		var p observe.OwnerPage
		if status := r.get("", "owner?service=w-0&limit=1&cursor="+strings.Trim(cursor, "-"), &p); status != 200 {
			t.Fatal(status)
		}
		for _, row := range p.Rows {
			seen[row.Kind+" "+string(row.Lock)]++
		}
		cursor = p.Cursor
	}
	var p observe.OwnerPage
	r.get("", "owner?service=holder", &p)
	for _, row := range p.Rows {
		seen[row.Kind+" "+string(row.Lock)+" of holder"]++
	}
	for i := range 4 {
		if seen[fmt.Sprintf("wait team/q%d", i)] != 1 || seen[fmt.Sprintf("hold team/q%d of holder", i)] != 1 {
			t.Errorf("q%d: %v", i, seen)
		}
	}
	if len(seen) != 8 {
		t.Errorf("%v", seen)
	}
}

// TestEventsOverHTTP: expired and forced holds, in order, and what a token may see of them.
func TestEventsOverHTTP(t *testing.T) {
	r := newRig(t, withTokens)
	p := r.dial()
	p.do("AUTH worker", "OK")
	for _, name := range []string{"team/a", "other/b"} {
		p.do("ACQUIRE "+name+" svc 0 TTL 100", "OK")
	}
	var page observe.EventsPage
	var rows []observe.Event
	for len(rows) < 2 {
		r.get("reader", "events", &page)
		rows = ofLocks(&page)
	}
	var heldMs int
	if _, err := fmt.Sscanf(rows[0].Detail, "held %d ms", &heldMs); err != nil || heldMs < 100 {
		t.Errorf("%q: %v", rows[0].Detail, err)
	}
	if e := rows[0]; e.Kind != "expired" || string(e.Service) != "svc" || e.Token == 0 || page.Next < 2 || page.Lost != 0 {
		t.Errorf("%+v", page)
	}
	var last observe.EventsPage
	if r.get("reader", "events?last=1", &last); len(last.Rows) != 1 || last.Rows[0].Seq+1 != last.Next || last.Next < page.Next {
		t.Errorf("%+v", last)
	}
	var none observe.EventsPage
	if r.get("reader", fmt.Sprintf("events?since=%d", page.Next), &none); len(ofLocks(&none)) != 0 || none.Next < page.Next {
		t.Errorf("%+v", none)
	}
	r.get("team", "events", &page)
	if rows = ofLocks(&page); len(rows) != 1 || page.Hidden != 1 || string(rows[0].Lock) != "team/a" {
		t.Errorf("%+v", page)
	}
	var v observe.LockView
	if r.get("team", "lock?name=team/a", &v); v.State != "free" || len(v.Events) != 1 {
		t.Errorf("%+v", v)
	}
}

// ofLocks returns the events of locks. A busy machine adds others, such as pauses of the process.
func ofLocks(page *observe.EventsPage) (rows []observe.Event) {
	for _, row := range page.Rows {
		if len(row.Lock) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// TestDeadlocksOverHTTP looks before and after a cycle is closed over two locks, one of them
// shared, and with a token that may see one of them only.
func TestDeadlocksOverHTTP(t *testing.T) {
	r := newRig(t, withTokens)
	var waits []func()
	for _, s := range []struct{ own, want, mode string }{{"team/a", "other/b", ""}, {"other/b", "team/a", " SHARED"}} {
		c := r.dial()
		c.do("AUTH worker", "OK")
		c.do("ACQUIRE "+s.own+" of-"+s.own+" 0"+s.mode, "OK")
		waits = append(waits, func() { c.send("@w ACQUIRE " + s.want + " of-" + s.own + " 60000") })
	}
	var a observe.DeadlockAnswer
	if r.get("reader", "deadlocks", &a); len(a.Rows) != 0 || a.Hidden != 0 {
		t.Errorf("before there is one: %+v", a)
	}
	for _, wait := range waits {
		wait()
	}
	r.waitFor(2)
	// The look begins after the question, but not before the rest of the last one is over.
	r.until(func() bool { r.get("reader", "deadlocks", &a); return len(a.Rows) > 0 })
	if len(a.Rows) != 2 || a.Rows[0].Cycle != 1 || string(a.Rows[0].Service) != "of-other/b" || string(a.Rows[0].Lock) != "team/a" ||
		string(a.Rows[0].Holder) != "of-team/a" || a.Rows[0].Token == 0 || a.Hidden != 0 || a.Truncated {
		t.Errorf("%+v", a)
	}
	if _, metrics, _ := ask(t, "GET", r.base+"/metrics", "reader"); !strings.Contains(metrics, "\ndlm_deadlocks 1\n") {
		t.Error("the metrics have no deadlock")
	}
	if r.get("team", "deadlocks", &a); len(a.Rows) != 0 || a.Hidden != 1 {
		t.Errorf("%+v", a)
	}
	for _, q := range []string{"lock=team/a", "owner=of-other/b"} {
		var g observe.GraphAnswer
		if r.get("reader", "graph?"+q, &g); len(g.Nodes) != 2 || len(g.Edges) != 2 || g.Edges[0].Cycle != 1 || g.Edges[0].Token == 0 || len(g.Cycles) != 1 || g.Hidden != 0 {
			t.Errorf("%s: %+v", q, g)
		}
		if r.get("team", "graph?"+q, &g); len(g.Edges) != 1 || string(g.Edges[0].Lock) != "team/a" || g.Edges[0].Cycle != 0 || len(g.Cycles) != 0 || g.Hidden != 1 {
			t.Errorf("%s with a token for team/: %+v", q, g)
		}
	}
}

// TestGraphRefuses: questions without one subject, and those that a token may not ask.
func TestGraphRefuses(t *testing.T) {
	r := newRig(t, withTokens)
	for query, want := range map[string]int{"": 400, "?lock=a&owner=b": 400, "?lock=": 400, "?owner=": 400, "?lock=%5Cz": 400, "?lock=other/b": 403, "?lock=team/a": 200, "?owner=b": 200} {
		var answer map[string]any
		if status := r.get("team", "graph"+query, &answer); status != want {
			t.Errorf("graph%s: %d %v, want %d", query, status, answer, want)
		}
	}
}

// TestModesInViews: TOP and the queue of a lock say how a lock is held and wanted.
func TestModesInViews(t *testing.T) {
	r := newRig(t, nil)
	holder := r.dial()
	holder.do("ACQUIRE a r1 0 SHARED", "OK")
	holder.do("ACQUIRE a r2 0 SHARED", "OK")
	holder.do("ACQUIRE p s1 0 PERMITS 1", "OK")
	for i, line := range []string{"ACQUIRE a w1 60000", "ACQUIRE a r3 60000 SHARED", "ACQUIRE p s2 60000 PERMITS 1"} {
		r.dial().send(line)
		r.waitFor(i + 1)
	}
	var v observe.LockView
	if r.get("", "lock?name=a", &v); len(v.Queue) != 2 || v.Queue[0].Mode != "exclusive" || v.Queue[1].Mode != "shared" {
		t.Errorf("%+v", v.Queue)
	}
	var top observe.TopAnswer
	r.until(func() bool { r.get("", "top", &top); return len(top.Rows) == 2 })
	if len(top.Rows) != 2 || top.Rows[0].Mode != "shared" || top.Rows[0].Holders != 2 || top.Rows[1].Mode != "permits" || top.Rows[1].Holders != 1 {
		t.Errorf("%+v", top.Rows)
	}
}

// frames reads a stream.
type frames struct {
	t   *testing.T
	in  *bufio.Scanner
	res *http.Response
}

func (r *rig) live(token string) *frames {
	r.t.Helper()
	req, err := http.NewRequest("GET", r.base+"/api/v1/live", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			r.t.Fatal(err)
		}
		if res.StatusCode == 429 && res.Header.Get("Retry-After") == "1" {
			res.Body.Close()
			continue
		}
		r.t.Cleanup(func() { res.Body.Close() })
		f := &frames{r.t, bufio.NewScanner(res.Body), res}
		f.in.Buffer(nil, 64<<10)
		return f
	}
}

// next returns the next event and decodes its data. On a busy machine the stream also says how many
// ticks it has missed, which is left out.
func (f *frames) next(into any) (event string) {
	f.t.Helper()
	for f.in.Scan() {
		line := f.in.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && event != "missed" {
			if len(data) > frameMax {
				f.t.Errorf("%d bytes", len(data))
			}
			d := json.NewDecoder(strings.NewReader(data))
			d.DisallowUnknownFields()
			reflect.ValueOf(into).Elem().SetZero()
			if err := d.Decode(into); err != nil {
				f.t.Errorf("%s: %v", data, err)
			}
			return event
		}
	}
	return ""
}

// TestLiveStream: two ticks with all columns, the end of a token, the limits of one viewer and of
// all, and names that fill a frame.
func TestLiveStream(t *testing.T) {
	withGuest := func(c *engine.Config) {
		withTokens(c)
		c.Credentials = append(c.Credentials, auth.Credential{Name: "guest", Role: auth.RoleRead, SHA256: sha256.Sum256([]byte("guest"))})
	}
	r := newRig(t, withGuest)
	f := r.live("reader")
	p := r.dial()
	p.do("AUTH worker", "OK")
	for i := range 12 {
		long := fmt.Sprintf("%d%s", i, strings.Repeat(`\xff`, 1000))
		p.do(`ACQUIRE "`+long+`" svc 0`, "OK")
		r.dial().send("AUTH worker\nACQUIRE \"" + long + "\" w 60000")
	}
	var a, b tick
	if f.next(&a) != "tick" || f.next(&b) != "tick" || b.Seq < a.Seq || len(b.Now) != len(observe.Columns) || b.Role != "primary" || !b.Ready {
		t.Fatalf("%+v, then %+v", a, b)
	}
	for !b.Truncated || b.Now["locks_held"] != 12 {
		f.next(&b)
	}
	var h observe.HistoryAnswer
	if r.get("reader", "history?last=5&names=locks_held,waiters,none", &h); len(h.Columns) != 2 || len(h.Columns["waiters"]) == 0 || h.StepMs != 1000 {
		t.Errorf("%+v", h)
	}
	var open []*frames
	refused := func(token, words string) {
		last := r.live(token)
		if body, err := io.ReadAll(last.res.Body); err != nil || last.res.StatusCode != 429 || last.res.Header.Get("Retry-After") != "10" || !strings.Contains(string(body), words) {
			t.Errorf("one stream too many: %d %s (%v)", last.res.StatusCode, body, err)
		}
	}
	for i, token := range []string{"boss", "worker", "team", "reader"} {
		for range streamsOwn - i/3 { // the last has one
			open = append(open, r.live(token))
		}
		refused(token, "this address, or this token there, has 4 streams already")
	}
	refused("guest", "16 viewers look already")
	var cfg engine.Config
	withGuest(&cfg)
	if err := r.e.SetCredentials(cfg.Credentials[1:]); err != nil {
		t.Fatal(err)
	}
	last, end := "tick", map[string]any{}
	for last == "tick" {
		clear(end)
		last = f.next(&end)
	}
	if last != "end" || end["code"] != "DENIED" {
		t.Errorf("the last frame is %q %v", last, end)
	}
	if open[0].next(&a) != "tick" {
		t.Error("another viewer's stream ended")
	}
	if r.live("guest").res.StatusCode != 200 {
		t.Error("the place of the viewer is not free")
	}
}

// TestNobodyUsesUpTheCallsOfAnAdmin: another program of the machine has asked as fast as it can.
func TestNobodyUsesUpTheCallsOfAnAdmin(t *testing.T) {
	r := newRig(t, withAdminToken)
	// Of an hour ahead, because no credit comes back before then.
	for other := (callerKey{from: netip.MustParseAddr("127.0.0.1")}); r.side.rate.take(other, time.Now().Add(time.Hour)); {
	}
	if status, body, _ := ask(t, "GET", r.base+"/api/v1/me", ""); status != 429 {
		t.Errorf("the other program is answered: %d %s", status, body)
	}
	if status, body, _ := ask(t, "GET", r.base+"/api/v1/me", "boss"); status != 200 || !strings.Contains(body, `"role":"admin"`) {
		t.Errorf("%d %s", status, body)
	}
}

// TestCallsOfAnAddressAreBounded uses its own clock.
func TestCallsOfAnAddressAreBounded(t *testing.T) {
	var rate callRate
	now := time.Unix(1, 0)
	addr := callerKey{from: addrOf("192.0.2.1:1")}
	allowed := func(n int) (count int) {
		for range n {
			if rate.take(addr, now) {
				count++
			}
		}
		return count
	}
	if n := allowed(100); n != callsBurst {
		t.Errorf("%d of a burst", n)
	}
	now = now.Add(time.Second)
	if n := allowed(100); n != callsPerSecond {
		t.Errorf("%d in the second after it", n)
	}
	for i := range callersMax + 10 {
		rate.take(callerKey{from: addrOf(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))}, now)
	}
	if len(rate.callers) > callersMax {
		t.Errorf("%d addresses are remembered", len(rate.callers))
	}
}

// TestStreamEndsWithoutItsBody: a viewer that announces a body and sends none keeps no connection
// when its stream has ended.
func TestStreamEndsWithoutItsBody(t *testing.T) {
	r := newRig(t, withTokens)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer reader\r\nContent-Length: 9\r\n\r\n")
	in := bufio.NewReader(conn)
	for line := ""; line != ": dlm\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	var cfg engine.Config
	withTokens(&cfg)
	if err := r.e.SetCredentials(cfg.Credentials[1:]); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(testflag.Patience))
	if rest, err := io.ReadAll(in); err != nil || !strings.Contains(string(rest), "event: end") {
		t.Errorf("%v: %s", err, rest)
	}
}
