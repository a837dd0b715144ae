package wheel

import (
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// drain pops everything due up to tick to, a few moves at a time.
func drain(w *Wheel, to uint64, step int) (ids []uint32) {
	for {
		budget := step
		id, ok := w.Pop(to, &budget)
		if ok {
			ids = append(ids, id)
		} else if budget > 0 {
			return ids
		}
	}
}

func TestEntriesAreHandedOutAtTheirExactTick(t *testing.T) {
	// The ticks and the presents lie around every slot and level boundary, because an off-by-one
	// after a move to a lower level shows there.
	var ticks []uint64
	for level := 0; level < levels; level++ {
		unit := uint64(1) << (level * levelBits)
		for _, d := range []uint64{0, 1, 2, 62, 63, 64, 65} {
			ticks = append(ticks, unit*d, unit*d+1, unit*d+unit-1)
		}
	}
	for _, start := range []uint64{0, 1, 63, 64, 4095, 4096, 1<<18 - 1, 1 << 18, 1<<24 - 1, 1<<30 - 1, 1<<30 + 5} {
		for _, d := range ticks {
			if d > HorizonTicks {
				continue
			}
			var w Wheel
			w.Reset(start)
			due := start + d
			w.Add(7, due)
			placed := w.Tick(7)
			if placed > due {
				t.Fatalf("start %d, tick %d: placed late, at %d", start, due, placed)
			}
			for {
				next, ok := w.Next()
				if !ok || next > due {
					t.Fatalf("start %d, tick %d: next %d, %v", start, due, next, ok)
				}
				if next > start {
					if got := drain(&w, next-1, 3); len(got) != 0 {
						t.Fatalf("start %d, tick %d: handed out at %d", start, due, next-1)
					}
				}
				if got := drain(&w, next, 3); len(got) == 1 {
					if next == due {
						break
					}
					t.Fatalf("start %d, tick %d: handed out at %d", start, due, next)
				}
			}
			if w.Len() != 0 || w.Has(7) {
				t.Fatalf("start %d, tick %d: not empty at the end", start, due)
			}
		}
	}
}

func TestAgainstSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Wheel
		now := rapid.Uint64Range(0, 1<<31).Draw(t, "now")
		w.Reset(now)
		model := map[uint32]uint64{}
		delay := rapid.OneOf(rapid.Uint64Range(0, 70), rapid.Uint64Range(0, 5000), rapid.Uint64Range(0, 100_000_000))
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id := rapid.Uint32Range(0, 600).Draw(t, "id")
				if w.Has(id) {
					w.Remove(id)
				}
				model[id] = now + delay.Draw(t, "delay")
				w.Add(id, model[id])
			},
			"remove": func(t *rapid.T) {
				id := rapid.Uint32Range(0, 600).Draw(t, "id")
				if _, in := model[id]; in != w.Has(id) {
					t.Fatalf("entry %d: in wheel %v, in model %v", id, w.Has(id), in)
				}
				if w.Has(id) {
					w.Remove(id)
					delete(model, id)
				}
			},
			"give back": func(t *rapid.T) {
				id := rapid.Uint32Range(0, 900).Draw(t, "id")
				given := w.GiveBack(id)
				for other := range model {
					if given && other>>chunkBits == id>>chunkBits {
						t.Fatalf("the memory of entry %d is given back", other)
					}
				}
				if w.GiveBack(id) || w.Bytes() < len(model)*EntryBytes {
					t.Fatalf("%d bytes for %d entries", w.Bytes(), len(model))
				}
			},
			"advance": func(t *rapid.T) {
				now += delay.Draw(t, "step")
				step := rapid.IntRange(1, 50).Draw(t, "budget")
				last := uint64(0)
				for _, id := range drain(&w, now, step) {
					due := model[id]
					if due < last || due > now {
						t.Fatalf("at %d entry of tick %d after one of %d", now, due, last)
					}
					last = due
					delete(model, id)
				}
			},
			"": func(t *rapid.T) {
				var due []uint64
				for id, tick := range model {
					due = append(due, tick)
					if !w.Has(id) {
						t.Fatalf("entry %d is lost", id)
					}
				}
				sort.Slice(due, func(i, j int) bool { return due[i] < due[j] })
				next, ok := w.Next()
				if ok != (len(due) > 0) || ok && next > due[0] || w.Len() != len(due) {
					t.Fatalf("next %d %v, len %d, want %v", next, ok, w.Len(), due)
				}
			},
		})
	})
}

func TestRemovingTwiceIsBug(t *testing.T) {
	var w Wheel
	w.Add(1, 10)
	w.Remove(1)
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	w.Remove(1)
}

func TestWorkPerPopIsBounded(t *testing.T) {
	var w Wheel
	for id := range uint32(10_000) {
		w.Add(id, 100_000)
	}
	pops, calls := 0, 0
	for pops < 10_000 {
		budget := 16
		for {
			if _, ok := w.Pop(100_000, &budget); !ok {
				break
			}
			pops++
		}
		if budget < 0 {
			t.Fatalf("budget overdrawn: %d", budget)
		}
		calls++
	}
	if calls < 10_000/16 {
		t.Fatalf("only %d calls", calls)
	}
}

func BenchmarkAddRemove(b *testing.B) {
	var w Wheel
	for id := range uint32(40) {
		w.Add(id, 30_000)
	}
	b.ReportAllocs()
	id := uint32(0)
	for b.Loop() {
		w.Remove(id)
		w.Add(id, 30_000)
		if id++; id == 40 {
			id = 0
		}
	}
}
