package main

import "testing"

func TestCollectorWaitsForFloor(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live       uint64
		from, most uint64 // where the next cycle begins
	}{
		{0, heapFloor, heapFloor}, {1, heapFloor, heapFloor}, {mb, heapFloor - mb, heapFloor}, {5*mb + 1, heapFloor - mb, heapFloor},
		{15 * mb, heapFloor - mb, heapFloor}, {heapFloor / 2, heapFloor, heapFloor}, {heapFloor, 2 * heapFloor, 2 * heapFloor}, {3 << 30, 6 << 30, 6 << 30},
	} {
		percent := uint64(percentAbove(c.live))
		next := max(heapMinOfGo*percent/100, c.live+c.live*percent/100)
		if next < c.from || next > c.most {
			t.Errorf("%d bytes live: GOGC %d, the next cycle at %d", c.live, percent, next)
		}
	}
}
