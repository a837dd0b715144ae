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
)

// certainHold is the time in which a client can rely on a hold: from the reply to its ACQUIRE until
// it sent the last RELEASE, or until the lease ended that it knows of.
type certainHold struct {
	lock, service string
	token         uint64
	called        time.Time // ACQUIRE was sent
	from, to      time.Time
	released      time.Time // the reply to the last RELEASE; zero: none
}

// crashBook collects what clients have seen.
type crashBook struct {
	mu     sync.Mutex
	holds  []*certainHold
	byKey  map[string]*certainHold // by lock and token
	counts map[string]int
}

func (b *crashBook) init() {
	b.byKey, b.counts = map[string]*certainHold{}, map[string]int{}
}

func (b *crashBook) count(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[what]++
}

func holdKey(lock string, token uint64) string { return fmt.Sprint(lock, "/", token) }

// granted notes a new hold. It is a violation if another hold had the same token.
func (b *crashBook) granted(t *testing.T, h *certainHold) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts["grants"]++
	if other := b.byKey[holdKey(h.lock, h.token)]; other != nil {
		t.Errorf("%s: token %d was given to %s and to %s", h.lock, h.token, other.service, h.service)
	}
	b.byKey[holdKey(h.lock, h.token)] = h
	b.holds = append(b.holds, h)
}

// imaged checks a hold of an image that was begun at that time, by a server that has served since
// another time. A release that was answered in between must be in the image.
func (b *crashBook) imaged(t *testing.T, lock string, token uint64, serving, begun time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.byKey[holdKey(lock, token)]; h != nil && !h.released.IsZero() && h.released.After(serving) && h.released.Before(begun) {
		t.Errorf("%s: released by %s %v before the image was begun, and held in it", lock, h.service, begun.Sub(h.released))
	}
}

// lostWith counts the grants and releases that a crash has lost, of those that were answered after
// the image was begun. The mode promises to lose no others.
func (b *crashBook) lostWith(held map[string]bool, begun time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for key, h := range b.byKey {
		switch {
		case held[key] && h.released.After(begun):
			b.counts["releases lost with a crash"]++
		case !held[key] && h.from.After(begun) && h.released.IsZero() && h.to.After(now):
			b.counts["holds lost with a crash, to be claimed"]++
		}
	}
}

// check looks for overlaps and for tokens that fall.
func (b *crashBook) check(t *testing.T) {
	byLock := map[string][]*certainHold{}
	for _, h := range b.holds {
		byLock[h.lock] = append(byLock[h.lock], h)
	}
	for lock, holds := range byLock {
		slices.SortFunc(holds, func(a, b *certainHold) int { return a.from.Compare(b.from) })
		var last *certainHold // the hold that ends last so far
		for _, h := range holds {
			if last != nil && h.service != last.service && h.from.Before(last.to) {
				t.Errorf("%s: %s (token %d) and %s (token %d) both hold it for %v", lock, last.service, last.token,
					h.service, h.token, last.to.Sub(h.from))
			}
			if last == nil || h.to.After(last.to) {
				last = h
			}
		}
		largest := slices.Clone(holds) // in the order of replies, the largest token so far
		for i := range largest {
			if i > 0 && largest[i-1].token > largest[i].token {
				largest[i] = largest[i-1]
			}
		}
		for _, h := range holds {
			n, _ := slices.BinarySearchFunc(holds, h.called, func(x *certainHold, called time.Time) int { return x.from.Compare(called) })
			if n > 0 && largest[n-1].token >= h.token {
				t.Errorf("%s: token %d was given when %d had been", lock, h.token, largest[n-1].token)
			}
		}
	}
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
