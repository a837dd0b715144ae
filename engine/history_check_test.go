package engine

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"dlm/table"
)

// TestHistoryModelFindsViolations checks the model with forbidden histories.
func TestHistoryModelFindsViolations(t *testing.T) {
	op := func(verb, service string, change ...func(*operation)) *operation {
		x := &operation{order: order{verb: verb, service: service, lock: "x"}, code: "OK"}
		if verb == "ACQUIRE" {
			x.mode = exclusive
		}
		for _, f := range change {
			f(x)
		}
		return x
	}
	hold := func(token uint64, count int) func(*operation) {
		return func(x *operation) { x.token, x.count = token, count }
	}
	in := func(m mode, n int) func(*operation) { return func(x *operation) { x.mode, x.permits = m, n } }
	is := func(code string) func(*operation) { return func(x *operation) { x.code = code } }
	was := func(found string) func(*operation) { return func(x *operation) { x.found = found } }
	req := func(x *operation) { x.req = "1" }
	detect := func(x *operation) { x.detect = true }
	acquired := op("ACQUIRE", "a", hold(5, 1), req)
	lost := op("ACQUIRE", "a", is(""), req)
	readers := []*operation{op("ACQUIRE", "a", in(shared, 0), hold(5, 1)), op("ACQUIRE", "b", in(shared, 0), hold(6, 1))}
	for name, c := range map[string]struct {
		before []*operation
		good   []*operation // each alone
		bad    []*operation
	}{
		"a hold": {[]*operation{acquired},
			[]*operation{op("ACQUIRE", "b", is("TIMEOUT")), op("ACQUIRE", "a", hold(5, 2)), op("HEARTBEAT", "b", is("NOTOWNER")), op("taken back", "a", hold(5, 0))},
			[]*operation{op("ACQUIRE", "b", hold(6, 1)), op("ACQUIRE", "a", hold(6, 1)), op("ACQUIRE", "a", hold(5, 3)),
				op("RELEASE", "b", hold(5, 0)), op("HEARTBEAT", "a", is("NOTHELD")), op("RELEASE", "a", hold(5, 1)), op("ACQUIRE", "b", in(shared, 0), hold(6, 1))}},
		"a repeat": {[]*operation{acquired},
			[]*operation{op("ACQUIRE", "a", hold(5, 1), req)},
			[]*operation{op("ACQUIRE", "a", hold(5, 2), req), op("ACQUIRE", "a", is("STALE"), req), op("ACQUIRE", "a", is("TIMEOUT"), req)}},
		"a lost answer": {[]*operation{lost},
			[]*operation{op("ACQUIRE", "b", hold(5, 1)), op("ACQUIRE", "b", is("TIMEOUT")), op("ACQUIRE", "a", hold(5, 1), req), op("HEARTBEAT", "a", hold(5, 1))},
			[]*operation{op("ACQUIRE", "a", hold(5, 2), req), op("HEARTBEAT", "a", hold(5, 2))}},
		"a lost answer without REQ": {[]*operation{op("ACQUIRE", "a", is("")), op("ACQUIRE", "a", is(""))},
			[]*operation{op("ACQUIRE", "b", hold(5, 1)), op("ACQUIRE", "b", is("TIMEOUT")), op("ACQUIRE", "a", hold(5, 1)), op("HEARTBEAT", "a", hold(5, 2))},
			[]*operation{op("ACQUIRE", "a", hold(5, 4)), op("HEARTBEAT", "a", hold(5, 3)), op("HEARTBEAT", "b", hold(5, 1))}},
		"a deadlock": {[]*operation{acquired},
			[]*operation{op("ACQUIRE", "b", is("DEADLOCK"), detect), op("seen", "a")},
			[]*operation{op("ACQUIRE", "b", is("DEADLOCK")), op("seen", "b")}},
		"a deadlock of a free lock": {nil,
			[]*operation{op("ACQUIRE", "b", hold(5, 1), detect)},
			[]*operation{op("ACQUIRE", "b", is("DEADLOCK"), detect)}},
		"after a release": {[]*operation{acquired, op("RELEASE", "a", hold(5, 0), req)},
			[]*operation{op("RELEASE", "a", hold(5, 0), req), op("ACQUIRE", "a", is("STALE"), req), op("ACQUIRE", "b", hold(6, 1))},
			[]*operation{op("ACQUIRE", "a", hold(6, 1), req), op("ACQUIRE", "b", hold(5, 1)), op("ACQUIRE", "b", hold(4, 1)), op("ACQUIRE", "b", is("TIMEOUT")),
				op("OUTCOME", "a", was("expired"), req)}},
		"a release that counts twice": {[]*operation{acquired, op("ACQUIRE", "a", hold(5, 2)), op("RELEASE", "a", hold(5, 1), req)},
			[]*operation{op("RELEASE", "a", hold(5, 1), req), op("RELEASE", "a", hold(5, 0))},
			[]*operation{op("RELEASE", "a", hold(5, 0), req)}},
		"after CANCEL": {[]*operation{acquired, op("CANCEL", "a", was("granted"), hold(5, 0), req)},
			[]*operation{op("ACQUIRE", "b", hold(6, 1)), op("ACQUIRE", "a", hold(6, 1), req)},
			[]*operation{op("HEARTBEAT", "a", hold(5, 1)), op("ACQUIRE", "b", is("TIMEOUT"))}},
		"CANCEL ahead": {[]*operation{op("CANCEL", "a", was("unknown"), req)},
			[]*operation{op("ACQUIRE", "a", is("CANCELED"), req)},
			[]*operation{op("ACQUIRE", "a", hold(5, 1), req), op("OUTCOME", "a", was("granted"), req)}},
		"readers": {readers,
			[]*operation{op("UPGRADE", "a", is("TIMEOUT")), op("STATUS", "", func(x *operation) { x.foundMode, x.groupOf = shared, 2 })},
			[]*operation{op("ACQUIRE", "c", hold(7, 1)), op("UPGRADE", "a", hold(7, 1)), op("STATUS", "", func(x *operation) { x.foundMode, x.groupOf = shared, 1 })}},
		"an upgrade": {[]*operation{readers[0], readers[1], op("RELEASE", "b", hold(6, 0)), op("UPGRADE", "a", hold(7, 1))},
			[]*operation{op("DOWNGRADE", "a", hold(7, 1)), op("downgraded", "a", hold(7, 1)), op("HEARTBEAT", "a", hold(7, 1))},
			[]*operation{op("ACQUIRE", "b", in(shared, 0), hold(8, 1)), op("HEARTBEAT", "a", hold(5, 1)), op("UPGRADE", "a", hold(8, 1))}},
		"an upgrade that keeps its token": {readers[:1],
			[]*operation{op("UPGRADE", "a", hold(6, 1))},
			[]*operation{op("UPGRADE", "a", hold(5, 1))}},
		"permits": {[]*operation{op("ACQUIRE", "a", in(permits, 2), hold(5, 1)), op("ACQUIRE", "b", in(permits, 2), hold(6, 1))},
			[]*operation{op("ACQUIRE", "c", in(permits, 2), is("TIMEOUT")), op("RELEASE", "a", hold(5, 0)), op("FORCE-RELEASE", "")},
			[]*operation{op("ACQUIRE", "c", in(permits, 2), hold(7, 1)), op("ACQUIRE", "a", in(permits, 2), hold(5, 2)), op("expired", "c", hold(7, 0))}},
	} {
		t.Run(name, func(t *testing.T) {
			for good, list := range map[bool][]*operation{true: c.good, false: c.bad} {
				for i, last := range list {
					var h []porcupine.Operation
					for at, x := range append(c.before[:len(c.before):len(c.before)], last) {
						h = append(h, porcupine.Operation{Input: x, Call: int64(2 * at), Return: int64(2*at + 1)})
					}
					if got := porcupine.CheckOperationsTimeout(historyModel, h, time.Minute); (got == porcupine.Ok) != good {
						t.Errorf("%s of %s after it (%d): %s", last.code, last.verb, i, got)
					}
				}
			}
		})
	}
}

// TestQueueCheckFindsViolations checks it with forbidden streams of events.
func TestQueueCheckFindsViolations(t *testing.T) {
	event := func(kind table.EventKind, service string, conn table.ConnID, waited bool, ms int64) table.Event {
		return table.Event{Kind: kind, Name: []byte("x"), Service: []byte(service), From: table.Origin{Conn: conn}, Waited: waited, Now: ms * 1_000_000}
	}
	ttl := historyTTL.Milliseconds()
	for name, c := range map[string]struct {
		last []table.Event
		bad  bool
	}{
		"the first is granted":          {[]table.Event{event(table.EventGrant, "b", 1, true, 1)}, false},
		"the second overtakes":          {[]table.Event{event(table.EventGrant, "c", 2, true, 1)}, true},
		"the second passes a lost one":  {[]table.Event{event(table.EventDetach, "b", 1, false, 1), event(table.EventGrant, "c", 2, true, 1)}, false},
		"a newcomer overtakes":          {[]table.Event{event(table.EventGrant, "d", 3, false, 1)}, true},
		"a lost connection is granted":  {[]table.Event{event(table.EventGrant, "a", 8, true, 1)}, true},
		"the lease ends in time":        {[]table.Event{event(table.EventExpire, "a", 0, false, ttl)}, false},
		"the lease ends early":          {[]table.Event{event(table.EventExpire, "a", 0, false, ttl-1)}, true},
		"the lease ends late":           {[]table.Event{event(table.EventExpire, "a", 0, false, 2*ttl)}, true},
		"a lease that was renewed ends": {[]table.Event{event(table.EventRenew, "a", 0, false, 10), event(table.EventExpire, "a", 0, false, ttl)}, true},
		"it comes back to its place": {[]table.Event{event(table.EventDetach, "b", 1, false, 1),
			event(table.EventEnqueue, "b", 4, false, 2), event(table.EventGrant, "b", 4, true, 3)}, false},
		"it has lost its place": {[]table.Event{event(table.EventDetach, "b", 1, false, 1),
			event(table.EventEnqueue, "b", 4, false, 2), event(table.EventGrant, "c", 2, true, 3)}, true},
		"nobody waits any more": {[]table.Event{event(table.EventCancel, "b", 1, false, 1), event(table.EventTimeOut, "c", 2, false, 1)}, false},
	} {
		probe := &probeTB{TB: t}
		q := newQueueCheck(&history{sim: &sim{t: probe}})
		q.gone(8)
		queued := []table.Event{event(table.EventGrant, "a", 9, false, 0), event(table.EventEnqueue, "b", 1, false, 0), event(table.EventEnqueue, "c", 2, false, 0)}
		for _, e := range append(queued, c.last...) {
			op := &operation{order: order{verb: "ACQUIRE", lock: "x", service: string(e.Service), waitMs: 9}}
			if op.service == "b" {
				op.req = "1"
			}
			q.begin(op)
			q.event(&e)
			q.op = nil
		}
		if probe.failed != c.bad {
			t.Errorf("%s: violation found: %v", name, probe.failed)
		}
	}
}
