package observe

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBestOfRandomOrder offers more items than a list has and fewer than it is cut at, and many
// more.
func TestBestOfRandomOrder(t *testing.T) {
	for _, n := range []int{viewRows / 2, viewRows + viewRows/2, 10 * viewRows} {
		rng, k, want := rand.New(rand.NewPCG(1, 2)), best[int]{order: cmp.Compare[int]}, []int(nil)
		for range n {
			item := rng.Int()
			want = append(want, item)
			k.offer(item)
		}
		slices.Sort(want)
		if list, truncated := k.all(); !slices.Equal(list, want[:min(n, viewRows)]) || truncated != (n > viewRows) {
			t.Errorf("of %d items others are the best, truncated %v", n, truncated)
		}
	}
}
