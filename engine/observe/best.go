package observe

import "slices"

// viewRows is how many locks each list of a view keeps.
const viewRows = 1000

// best keeps the viewRows items that come first in an order. The list is sorted when it is full,
// and cut when it is twice as long, so that an item that does not belong there costs one
// comparison.
type best[T any] struct {
	order func(a, b T) int // negative: a comes first
	list  []T
	sum   int // items that were offered
}

func (k *best[T]) offer(item T) {
	k.sum++
	if len(k.list) >= viewRows && k.order(item, k.list[viewRows-1]) >= 0 {
		return
	}
	k.list = append(k.list, item)
	if n := len(k.list); n == viewRows || n == 2*viewRows {
		k.cut()
	}
}

func (k *best[T]) cut() {
	slices.SortFunc(k.list, k.order)
	k.list = k.list[:min(len(k.list), viewRows)]
}

// all returns the items in their order, and whether some were left out.
func (k *best[T]) all() (list []T, truncated bool) {
	k.cut()
	return k.list, k.sum > len(k.list)
}
