package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dlm/codec"
)

// TestListsOfFewAndOfMany lists a shard page by page with different shares of records in use and
// with waiters. Each page must continue where the one before ended, in the order of the records,
// and miss nothing.
func TestListsOfFewAndOfMany(t *testing.T) {
	const records = 1000
	for _, percent := range []int{0, 1, 3, 10, 13, 50, 100} {
		rng := rand.New(rand.NewPCG(uint64(percent), 8))
		g := newRig()
		names := sameShard(g.table, records)
		var held, contended []string
		for _, name := range names {
			g.must(codec.VerbAcquire, string(name), "svc", 0)
		}
		for _, name := range names {
			if rng.IntN(100) >= percent {
				g.must(codec.VerbRelease, string(name), "svc", 0)
				continue
			}
			held = append(held, string(name))
			if rng.IntN(10) == 0 {
				contended = append(contended, string(name))
				g.do(codec.VerbAcquire, name, []byte("other"), 1000)
				g.do(codec.VerbAcquire, name, []byte("other"), 1000)
			}
		}
		s := g.table.Shard(g.table.Hash(names[0]))
		for _, f := range []Filter{{}, {Held: true}, {Contended: true}, {Prefix: []byte("n-7")}} {
			want := slices.Clone(held)
			if f.Contended {
				want = slices.Clone(contended)
			}
			want = slices.DeleteFunc(want, func(name string) bool { return !strings.HasPrefix(name, string(f.Prefix)) })
			slices.Sort(want)
			for _, page := range []int{1, 7, 16, 1000} {
				got, calls := listAll(t, g, s, &f, page)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Fatalf("%d %%, %+v, pages of %d: %d locks, want %d", percent, f, page, len(got), len(want))
				}
				if percent == 1 && page > 1 && calls > 3 {
					t.Errorf("%d locks of %d records took %d calls", len(want), records, calls)
				}
			}
		}
	}
}

// listAll lists the shard in pages of that many locks.
func listAll(t *testing.T, g *rig, s *Shard, f *Filter, page int) (names []string, calls int) {
	var out Statuses
	at, done, before := uint32(0), false, uint32(0)
	for ; !done; calls++ {
		scan := 20
		done = s.List(g.now, &at, &scan, page, f, &out, &g.fx)
		if at <= before && !done || scan < 0 || len(out.All()) > page {
			t.Fatal(fmt.Sprint("page: from ", before, " to ", at, ", ", scan, " left, ", len(out.All()), " locks"))
		}
		before = at
		for i := range out.All() {
			names = append(names, string(out.All()[i].Name))
		}
		out.Reset()
	}
	return names, calls
}

// TestLongQueueInATableThatWasLarge lists the contended locks of a shard with few locks left, for
// one of which many requests wait. A look while the mutex is held must not pass all of them.
func TestLongQueueInATableThatWasLarge(t *testing.T) {
	const records, waiters = 2000, 4000
	g := newRig()
	names := sameShard(g.table, records)
	for _, name := range names {
		g.must(codec.VerbAcquire, string(name), "svc", 0)
	}
	for _, name := range names[20:] {
		g.must(codec.VerbRelease, string(name), "svc", 0)
	}
	for i := range waiters {
		g.do(codec.VerbAcquire, names[7], fmt.Append(nil, i), 60_000)
	}
	s := g.table.Shard(g.table.Hash(names[0]))
	var out Statuses
	scan, at := 1<<20, uint32(0)
	s.Lock()
	done := s.List(g.now, &at, &scan, 100, &Filter{Contended: true}, &out, nil)
	s.Unlock()
	if len(out.All()) != 1 || string(out.All()[0].Name) != string(names[7]) || out.All()[0].Waiters != waiters {
		t.Fatalf("done %v, listed %d", done, len(out.All()))
	}
	if cost := 1<<20 - scan; cost > records/sparseFrom {
		t.Errorf("a look at a queue of %d costs as much as %d records", waiters, cost)
	}
}
