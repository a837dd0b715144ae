package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dlm/engine"
	"dlm/engine/observe"
)

// TestClientsAndDisconnectOverHTTP ends a connection that waits, found by the queue of its lock.
func TestClientsAndDisconnectOverHTTP(t *testing.T) {
	r := newRig(t, withTokens)
	holder, waiter := r.dial(), r.dial()
	holder.do("AUTH worker", "OK")
	waiter.do("AUTH team", "OK")
	waiter.do("HELLO NAME \"w\\xff\"", "OK")
	holder.do("ACQUIRE team/a h 0", "OK")
	waiter.send("ACQUIRE team/a w 60000")
	var v observe.LockView
	for len(v.Queue) == 0 {
		r.get("boss", "lock?name=team/a", &v)
	}
	number := v.Queue[0].Client
	if number == 0 {
		t.Fatalf("%+v", v)
	}
	var seenByReader observe.LockView
	if r.get("reader", "lock?name=team/a", &seenByReader); seenByReader.Queue[0].Client != 0 {
		t.Error("a reader sees connections")
	}
	seen := map[int64]engine.ClientRow{}
	for cursor := "-"; cursor != ""; {
		var p engine.ClientsPage
		if status := r.get("boss", "clients?limit=1&cursor="+strings.Trim(cursor, "-"), &p); status != 200 {
			t.Fatal(status)
		}
		for _, row := range p.Rows {
			seen[row.Client] = row
		}
		cursor = p.Cursor
	}
	if row := seen[number]; len(seen) != 2 || row.Token != "team" || row.Role != "lock" || row.Waits != 1 || string(row.Name) != "w\xff" ||
		row.Form != "text" || !strings.HasPrefix(row.Address, "127.0.0.1:") {
		t.Errorf("%+v", seen)
	}
	var refused map[string]any
	for body, want := range map[string]int{
		`{"client":0,"reason":"r"}`: 400, fmt.Sprintf(`{"client":%d}`, number): 400, `{"client":987654,"reason":"r"}`: 404,
	} {
		if status := r.post("boss", "disconnect", body, &refused); status != want {
			t.Errorf("%s: %d %v", body, status, refused)
		}
	}
	var done disconnectAnswer
	if status := r.post("boss", "disconnect", fmt.Sprintf(`{"client":%d,"reason":"wild"}`, number), &done); status != 200 || done.Client != number {
		t.Errorf("%d %+v", status, done)
	}
	waiter.expect("ERROR CANCELED an admin has ended this connection: wild")
	if _, err := waiter.in.ReadByte(); err == nil {
		t.Error("the stream goes on")
	}
	var page observe.EventsPage
	r.get("reader", "events", &page)
	// A busy machine adds others, such as pauses of the process.
	if !slices.ContainsFunc(page.Rows, func(e observe.Event) bool { return e.Kind == "disconnected" }) {
		t.Errorf("%+v", page)
	}
}

// TestImageOnDemand: one is written also if nothing has changed.
func TestImageOnDemand(t *testing.T) {
	r := newRig(t, func(c *engine.Config) { withTokens(c); c.DataDir = t.TempDir() })
	var first, second snapshotAnswer
	if status := r.post("boss", "snapshot", `{}`, &first); status != 200 || first.Bytes == 0 {
		t.Fatalf("%d %+v", status, first)
	}
	if status := r.post("boss", "snapshot", `{}`, &second); status != 200 || second.Image == first.Image {
		t.Errorf("%d %+v after %+v", status, second, first)
	}
	memory := newRig(t, withTokens)
	var refused map[string]any
	if status := memory.post("boss", "snapshot", `{}`, &refused); status != 409 || refused["code"] != "CONFLICT" {
		t.Errorf("%d %v", status, refused)
	}
}
