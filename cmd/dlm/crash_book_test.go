package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dlm/engine/enginetest"
)

// crashBook collects the holds that clients have had. A client can rely on a hold from the answer
// to its ACQUIRE until it sends the last RELEASE, or until the lease ends that it knows of.
type crashBook struct {
	mu     sync.Mutex
	holds  map[string]*enginetest.Hold // by lock and token
	counts map[string]int
}

func (b *crashBook) init() {
	b.holds, b.counts = map[string]*enginetest.Hold{}, map[string]int{}
}

func (b *crashBook) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

func holdKey(lock string, token uint64) string { return fmt.Sprint(lock, "/", token) }

// granted notes a new hold. It is a violation if another hold had the same token.
func (b *crashBook) granted(t *testing.T, h enginetest.Hold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other := b.holds[holdKey(h.Lock, h.Token)]; other != nil {
		t.Errorf("%s: token %d was given to %s and to %s", h.Lock, h.Token, other.Service, h.Service)
	}
	b.holds[holdKey(h.Lock, h.Token)] = &h
}

// changed notes what has become of a hold.
func (b *crashBook) changed(h enginetest.Hold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.holds[holdKey(h.Lock, h.Token)]; known != nil {
		*known = h
	}
}

// imaged checks a hold of an image that was begun at that time, by a server that has served since
// another time. A release that was answered in between must be in the image.
func (b *crashBook) imaged(t *testing.T, lock string, token uint64, serving, begun int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.holds[holdKey(lock, token)]; h != nil && h.Released > serving && h.Released < begun {
		t.Errorf("%s: released by %s %v before the image was begun, and held in it", lock, h.Service, time.Duration(begun-h.Released))
	}
}

// lostWith counts the grants and releases that a crash has lost, of those that were answered after
// the image was begun. The mode promises to lose no others.
func (b *crashBook) lostWith(held map[string]bool, begun, now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, h := range b.holds {
		switch {
		case held[key] && h.Released > begun:
			b.counts["releases lost with a crash"]++
		case !held[key] && h.From > begun && h.Released == 0 && h.Until > now:
			b.counts["holds lost with a crash, to be claimed"]++
		}
	}
}

// check looks for overlaps and for tokens that fall.
func (b *crashBook) check(t *testing.T) {
	byLock := map[string][]*enginetest.Hold{}
	for _, h := range b.holds {
		byLock[h.Lock] = append(byLock[h.Lock], h)
	}
	for lock, holds := range byLock {
		slices.SortFunc(holds, func(a, b *enginetest.Hold) int { return cmp.Compare(a.From, b.From) })
		b.overlap(t, lock, holds)
		largest := slices.Clone(holds) // in the order of replies, the largest token so far
		for i := range largest {
			if i > 0 && largest[i-1].Token > largest[i].Token {
				largest[i] = largest[i-1]
			}
		}
		for _, h := range holds {
			n, _ := slices.BinarySearchFunc(holds, h.Asked, func(x *enginetest.Hold, asked int64) int { return cmp.Compare(x.From, asked) })
			if n > 0 && largest[n-1].Token >= h.Token {
				t.Errorf("%s: token %d was given when %d had been", lock, h.Token, largest[n-1].Token)
			}
		}
	}
}

// overlap looks for holds of a lock that exclude each other, and for a third of two permits. The
// holds are in the order of their answers.
func (b *crashBook) overlap(t *testing.T, lock string, holds []*enginetest.Hold) {
	var stand []*enginetest.Hold // those before h that were relied on when its answer came
	for _, h := range holds {
		stand = slices.DeleteFunc(stand, func(x *enginetest.Hold) bool { return x.Until <= h.From || x.Service == h.Service })
		for _, x := range stand {
			if h.Mode == "" || h.Mode != x.Mode || h.Mode == twoPermits && len(stand) > 1 {
				t.Errorf("%s: %s (token %d%s) and %s (token %d%s) both hold it for %v, of %d", lock, x.Service, x.Token, x.Mode,
					h.Service, h.Token, h.Mode, time.Duration(x.Until-h.From), len(stand)+1)
			}
		}
		stand = append(stand, h)
	}
}

// missing returns what a run has to meet and has not met yet.
func (b *crashBook) missing() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	must := []string{"grant", "claim", "claim SHARED", "claim" + twoPermits, "re-entry", "release", "repeated ACQUIRE"}
	return slices.DeleteFunc(must, func(what string) bool { return b.counts[what] > 0 })
}

func (b *crashBook) summary() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []string
	for _, what := range slices.SortedFunc(maps.Keys(b.counts), cmp.Compare[string]) {
		parts = append(parts, fmt.Sprintf("%s %d", what, b.counts[what]))
	}
	return strings.Join(parts, ", ")
}
