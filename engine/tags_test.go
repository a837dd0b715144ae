package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dlm/codec"
	"dlm/internal/testflag"
	"dlm/table"
)

// TestWaitsKnowTheirTags compares waits with a map, for clients that count, that use a few tags
// repeatedly, and that draw random ones.
func TestWaitsKnowTheirTags(t *testing.T) {
	for seed := range testflag.Random(t, 300) {
		world := int(seed % 12)
		rng := rand.New(rand.NewPCG(seed, 1))
		m := waitsModel{t: t, seed: seed, rng: rng, tickets: map[string]uint32{}}
		most, count := 1+rng.IntN(300), rng.IntN(1000)
		for range 2000 {
			count++
			tag := []string{fmt.Sprint(count), fmt.Sprint(rng.IntN(40)), fmt.Sprintf("%x", rng.Uint32()),
				strings.Repeat("t", 1+rng.IntN(codec.TagMax))}[world%4]
			if rng.IntN(20) == 0 {
				tag = fmt.Sprint(rng.IntN(1000))
			}
			if rng.IntN(2) == 0 { // else it was looked up with others of a batch
				m.look(tag)
			}
			if rng.IntN(most) < len(m.tickets) {
				m.take()
			} else if m.tickets[tag] == 0 {
				m.add(tag)
			}
			if world%3 == 0 && rng.IntN(200) == 0 {
				for len(m.tickets) > 0 {
					m.take()
				}
			}
			m.check()
		}
	}
}

type waitsModel struct {
	t       *testing.T
	seed    uint64
	rng     *rand.Rand
	w       waits
	tickets map[string]uint32 // by tag
	most    int               // most simultaneous tags
}

func (m *waitsModel) look(tag string) {
	if got, want := m.w.inUse([]byte(tag)), m.tickets[tag] != 0; got != want {
		m.t.Fatalf("seed %d: tag %q in use: %v", m.seed, tag, got)
	}
}

func (m *waitsModel) add(tag string) {
	ticket := m.w.nextTicket()
	m.w.add([]byte(tag), table.WaiterRef{Shard: uint8(ticket)})
	m.tickets[tag] = ticket
	m.most = max(m.most, len(m.tickets))
}

func (m *waitsModel) take() {
	for tag, ticket := range m.tickets {
		if got := m.w.take(ticket); string(got.text()) != tag {
			m.t.Fatalf("seed %d: ticket %d has tag %q instead of %q", m.seed, ticket, got.text(), tag)
		}
		delete(m.tickets, tag)
		return
	}
}

func (m *waitsModel) check() {
	found := 0
	for ticket, w := range m.w.all() {
		found++
		if m.tickets[string(w.tag.text())] != ticket || w.ref.Shard != uint8(ticket) {
			m.t.Fatalf("seed %d: ticket %d has tag %q", m.seed, ticket, w.tag.text())
		}
	}
	switch indexed := m.w.byTag.Len(); {
	case found != len(m.tickets) || m.w.open != found:
		m.t.Fatalf("seed %d: %d waits, %d are counted, of %d", m.seed, found, m.w.open, len(m.tickets))
	case m.w.indexed && (indexed != found || found == 0), !m.w.indexed && indexed != 0:
		m.t.Fatalf("seed %d: %d of %d waits are indexed: %v", m.seed, indexed, found, m.w.indexed)
	case int(m.w.used) > m.most:
		m.t.Fatalf("seed %d: %d places for at most %d waits", m.seed, m.w.used, m.most)
	}
}

func TestTagsThatRiseNeedNoIndex(t *testing.T) {
	var w waits
	for i := range 5000 {
		tag := fmt.Append(nil, "req-", i)
		if w.inUse(tag) {
			t.Fatalf("%s is in use", tag)
		}
		w.add(tag, table.WaiterRef{})
	}
	for ticket := range uint32(4000) {
		w.take(ticket + 1)
	}
	if w.indexed || w.inUse([]byte("req-5000")) || w.indexed {
		t.Error("tags that rise are indexed")
	}
	if !w.inUse([]byte("req-4500")) || w.inUse([]byte("req-500")) {
		t.Error("a tag that waits is not in use, or one that does not is")
	}
}

// TestLimitOfTagsHoldsShortWayToo: a command that would be granted immediately needs no tag,
// but is refused in both cases.
func TestLimitOfTagsHoldsShortWayToo(t *testing.T) {
	s := newSim(t, nil)
	a, holder := s.dial(0), s.dial(0)
	holder.do("ACQUIRE x H 0", "OK")
	for i := range tagsMax {
		a.send(fmt.Sprintf("@%d ACQUIRE x A 60000\n", i))
	}
	const refused = "@more ERROR LIMIT tags too many open tags on this connection\n"
	for _, in := range []string{"@more ACQUIRE free B 60000\n", "@more acquire free B 60000\n", "@more ACQUIRE free B 60000\n@more ACQUIRE free B 60000\n"} {
		a.reads()
		a.send(in)
		if got := a.reads(); strings.ReplaceAll(got, refused, "") != "" || got == "" {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestLimitOfOpenTags(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	for i := range tagsMax {
		b.send(fmt.Sprintf("@%d ACQUIRE x B 60000\n", i))
	}
	b.expect("")
	b.do("@more ACQUIRE x B 60000", "@more ERROR LIMIT tags too many open tags on this connection")
	b.do("@more PING", "@more OK")
	a.do("RELEASE x A", "OK")
	if n := strings.Count(b.reads(), " OK\n"); n != tagsMax {
		t.Fatalf("%d granted", n)
	}
	b.hangUp()
}
