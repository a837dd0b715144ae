package events

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// TestCoverIsTheLeastSet compares with the definition: a string begins with one of the prefixes if
// it begins with one of the cover, and no prefix of the cover begins with another.
func TestCoverIsTheLeastSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string { return "abababab"[rng.IntN(2):][:rng.IntN(6)] }
	begins := func(s string, prefixes []string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
	}
	for range 5000 {
		var all []string
		for range rng.IntN(6) {
			all = append(all, word())
		}
		least := cover(all)
		for range 10 {
			if s := word(); begins(s, all) != begins(s, least) {
				t.Fatalf("%q: %q and its cover %q differ", s, all, least)
			}
		}
		for i, p := range least {
			if begins(p, append(slices.Clone(least[:i]), least[i+1:]...)) {
				t.Fatalf("%q of %q is not needed", p, least)
			}
		}
	}
}

// TestHubAgainstNaiveMatching subscribes and unsubscribes at random, and compares who is told with
// a look at every prefix. In the end nothing is left.
func TestHubAgainstNaiveMatching(t *testing.T) {
	h := New(2, nil)
	locks := table.New(table.Config{TTLMs: 1000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
	rng := rand.New(rand.NewPCG(3, 4))
	subs := make([]*Subscriber, 5)
	want := make([]map[string]bool, len(subs))
	for i := range subs {
		subs[i], want[i] = &Subscriber{Conn: table.ConnID(i), Loop: i % 2}, map[string]bool{}
	}
	word := func() string { return "abbabaab"[rng.IntN(3):][:rng.IntN(5)] }
	for range 5000 {
		i, p := rng.IntN(len(subs)), word()
		switch rng.IntN(5) {
		case 0, 1:
			if ok := h.Watch(locks, subs[i], []byte(p), auth.Identity{}, codec.FormText); ok != (len(want[i]) < PrefixesMax || want[i][p]) {
				t.Fatalf("%d prefixes, one more: %v", len(want[i]), ok)
			} else if ok {
				want[i][p] = true
			}
		case 2:
			h.Unwatch(locks, subs[i], []byte(p))
			delete(want[i], p)
		case 3:
			if rng.IntN(10) == 0 {
				h.Leave(locks, subs[i])
				clear(want[i])
			}
		}
		name := word() + "x"
		h.changed(&table.Event{Kind: table.EventGrant, Name: []byte(name), Service: []byte("s"), Token: 1})
		for k, s := range subs {
			told := strings.Count(string(s.Take(nil)), "\n")
			should := 0
			for p := range want[k] {
				if strings.HasPrefix(name, p) {
					should = 1
				}
			}
			if told != should {
				t.Fatalf("subscriber %d of %v is told %d times of %q", k, want[k], told, name)
			}
		}
	}
	for _, s := range subs {
		if h.Leave(locks, s); s.Memory() != 0 {
			t.Errorf("%d bytes are left", s.Memory())
		}
	}
	if watches, notices := h.Subscriptions(); watches+notices != 0 || len(h.watches.subs)+len(h.watches.lengths) != 0 {
		t.Errorf("left: %d %d, %v", watches, notices, h.watches.lengths)
	}
}

// TestBufferIsBounded checks the bytes that are accounted for, and the count of what was left out.
func TestBufferIsBounded(t *testing.T) {
	h := New(1, nil)
	locks := table.New(table.Config{TTLMs: 1000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
	s := &Subscriber{}
	h.Watch(locks, s, nil, auth.Identity{}, codec.FormRESP)
	const events = 5000
	for range events {
		h.changed(&table.Event{Kind: table.EventGrant, Name: []byte("lock"), Service: []byte("s"), Token: 1})
	}
	if n := s.Memory(); n < bufferMax/2 || n > 3*bufferMax {
		t.Errorf("%d bytes are accounted for", n)
	}
	out := s.Take(nil)
	kept := strings.Count(string(out), "granted")
	if want := fmt.Sprintf("missed\r\n$5\r\ncount\r\n:%d\r\n", events-kept); len(out) > bufferMax+100 || !strings.HasSuffix(string(out), want) {
		t.Errorf("%d bytes, %d events, the end is %q, want %q", len(out), kept, out[len(out)-60:], want)
	}
	if s.Memory() != 0 || len(s.Take(nil)) != 0 {
		t.Error("something is left")
	}
}

// BenchmarkWatch measures what a change of a lock costs its shard for each of many subscribers,
// whose loop takes what they have now and then.
func BenchmarkWatch(b *testing.B) {
	const subscribers = 100
	h := New(1, nil)
	locks := table.New(table.Config{TTLMs: 1000, LocksMax: 100, WaitersMax: 100, WaitersPerLockMax: 100})
	subs := make([]*Subscriber, subscribers)
	for i := range subs {
		subs[i] = new(Subscriber)
		h.Watch(locks, subs[i], []byte("orders/"), auth.Identity{}, codec.FormText)
	}
	e := &table.Event{Kind: table.EventGrant, Name: []byte("orders/warehouse-7"), Service: []byte("billing-3"), Token: 1838489600000042, Count: 1}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		h.changed(e)
		if n%100 == 99 {
			for _, s := range h.Ready(0, nil) {
				s.mu.Lock()
				s.missed, s.listed, s.buf = 0, false, s.buf[:0]
				s.mu.Unlock()
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/subscribers, "ns/subscriber")
}
