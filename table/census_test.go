package table

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCensusKeepsTheBest offers locks in random order, more than a list has and fewer than it is
// cut at, and many more.
func TestCensusKeepsTheBest(t *testing.T) {
	for _, n := range []int{censusBest + censusBest/2, 10 * censusBest} {
		rng, c, all := rand.New(rand.NewPCG(1, 2)), new(Census), []CensusLock(nil)
		for range n {
			l := CensusLock{Since: rng.Int64(), Deadline: rng.Int64()}
			all = append(all, l)
			c.offer(l)
		}
		c.Finish()
		slices.SortFunc(all, func(a, b CensusLock) int { return cmp.Compare(a.Since, b.Since) })
		if !slices.Equal(c.Oldest, all[:censusBest]) {
			t.Errorf("of %d holds others are the longest", n)
		}
		slices.SortFunc(all, func(a, b CensusLock) int { return cmp.Compare(a.Deadline, b.Deadline) })
		if !slices.Equal(c.EndsNext, all[:censusBest]) {
			t.Errorf("of %d leases others end next", n)
		}
	}
}

// TestFirstSeparator compares with the search of the library, for separators at each place and
// bytes that are alike in all but one bit.
func TestFirstSeparator(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const alphabet = "/:.\xaf\xba\xae\x00\xff0;-"
	for range 200_000 {
		name := make([]byte, rng.IntN(30))
		for i := range name {
			name[i] = 'a'
			if rng.IntN(6) == 0 {
				name[i] = alphabet[rng.IntN(len(alphabet))]
			}
		}
		if got, want := firstSeparator(name), bytes.IndexAny(name, Separators); got != want {
			t.Fatalf("%q: %d, want %d", name, got, want)
		}
	}
}
