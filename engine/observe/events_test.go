package observe

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dlm/codec"
	"dlm/table"
)

// TestCrowdsOfEventsDisplaceNoOthers: of one kind a minute keeps kindMax events, and one more that
// counts the rest. Numbers only grow, so SINCE misses none of what is kept.
func TestCrowdsOfEventsDisplaceNoOthers(t *testing.T) {
	o, at := newCrowd(0, 0).observer(), time.Now()
	o.Note("role", "this server is the primary from now on")
	since, seen := uint64(0), []uint64{}
	read := func() (last Event) {
		p := o.Events(since, 2000, all{})
		if p.Lost > 0 {
			t.Fatalf("%d events are lost", p.Lost)
		}
		for _, e := range p.Rows {
			seen = append(seen, e.Seq)
			last = e
		}
		since = p.Next
		return last
	}
	for range 10 {
		for range 5000 {
			o.events.mu.Lock()
			o.events.add(Event{Kind: "expired", Lock: Text("a"), Service: Text("s")}, 1, at)
			o.events.mu.Unlock()
		}
		if o.endKinds(at.Add(kindWindow - 1)); read().Detail != "" {
			t.Fatal("the rest is told before its minute is over")
		}
		at = at.Add(kindWindow)
		o.endKinds(at)
		if e := read(); e.Kind != "expired" || e.Detail != fmt.Sprintf("and %d more within a minute", 5000-kindMax) || len(e.Lock) > 0 {
			t.Fatalf("%+v", e)
		}
		if o.endKinds(at.Add(time.Hour)); read().Kind != "" {
			t.Fatal("the rest is told twice")
		}
	}
	if !slices.IsSorted(seen) || len(seen) != 1+10*(kindMax+1) {
		t.Errorf("%d events, %v", len(seen), seen)
	}
	if first := o.Events(0, 1, all{}).Rows; len(first) != 1 || first[0].Kind != "role" {
		t.Errorf("the first event is displaced by %+v", first)
	}
}

// TestNextWindowOfAKind: the next one after the minute comes after the count.
func TestNextWindowOfAKind(t *testing.T) {
	o, at := newCrowd(0, 0).observer(), time.Now()
	add := func(n int) {
		o.events.mu.Lock()
		o.events.add(Event{Kind: "more"}, n, at)
		o.events.mu.Unlock()
	}
	for range kindMax {
		add(1)
	}
	add(500)
	at = at.Add(kindWindow)
	add(1)
	p := o.Events(kindMax, 10, all{})
	if len(p.Rows) != 2 || p.Rows[0].Detail != "and 500 more within a minute" || p.Rows[1].Detail != "" {
		t.Errorf("%+v", p.Rows)
	}
}

// TestRefusedUpgradeSaysWhy: no token is missing if the hold of a service ends while it waits to
// upgrade.
func TestRefusedUpgradeSaysWhy(t *testing.T) {
	c := newCrowd(0, 0)
	o := New(Config{Served: func() Served { return Served{Table: c.t, Now: c.now} }})
	var fx table.Effects
	shard := c.t.Shard(c.t.Hash([]byte("x")))
	do := func(verb codec.Verb, service string, opts codec.Opts, waitMs uint32) {
		cmd := &codec.Command{Verb: verb, Name: []byte("x"), Service: []byte(service), WaitMs: waitMs, TTLMs: 1000, Opts: opts}
		shard.Apply(c.now, c.t.Hash(cmd.Name), cmd, table.Origin{}, &fx)
	}
	do(codec.VerbAcquire, "a", codec.OptShared|codec.OptTTL, 0)
	do(codec.VerbAcquire, "b", codec.OptShared, 0)
	do(codec.VerbUpgrade, "a", 0, 60_000)
	c.now += 1010 * nsPerMs
	shard.Advance(c.now, 10, &fx)
	o.NoteTable(&fx.Notes)
	rows := o.Events(0, 10, all{}).Rows
	if len(rows) != 2 || rows[1].Kind != "refused" || rows[1].Detail != "the hold to upgrade has ended, waited 1010 ms" {
		t.Errorf("%+v", rows)
	}
}
