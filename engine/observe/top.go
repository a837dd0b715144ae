package observe

import (
	"context"
	"time"

	"dlm/table"
)

const nsPerMs = int64(time.Millisecond)

// Order is what the rows of TOP are sorted by.
type Order string

// The orders of TOP.
const (
	ByWaiters Order = "waiters" // most requests that wait
	ByWait    Order = "wait"    // longest wait of a request that still waits
	ByHeat    Order = "heat"    // most waiting that has ended lately
	ByHold    Order = "hold"    // longest hold
)

// TopAnswer is the beginning of a list of locks.
type TopAnswer struct {
	By        Order    `json:"by"`
	AgeMs     int64    `json:"age_ms"`    // of the view
	Truncated bool     `json:"truncated"` // there are more locks than the view keeps
	Hidden    int      `json:"hidden"`    // locks before the last row that the visitor may not see
	Rows      []TopRow `json:"rows"`
}

// Top answers the first locks in an order. It may wait for a view, for viewWait at most.
func (o *Observer) Top(ctx context.Context, by Order, limit int, sight Sight) *TopAnswer {
	a := &TopAnswer{By: by, Rows: []TopRow{}}
	var list []TopRow
	var age time.Duration
	if by == ByHold {
		v, old := o.census.get(ctx, o)
		list, age, a.Truncated = v.hold, old, v.truncated
	} else {
		v, old := o.contended.get(ctx, o)
		list, age, a.Truncated = v.waiters, old, v.truncated
		switch by {
		case ByWait:
			list = v.wait
		case ByHeat:
			list, a.Truncated = v.heat, false
		}
	}
	a.AgeMs = age.Milliseconds()
	var cut bool
	a.Rows, a.Hidden, cut = visible(list, limit, sight)
	a.Truncated = a.Truncated || cut
	return a
}

// visible returns the first rows that the visitor may see, and how many others stand before them.
// It cuts the list at pageBytes of names.
func visible(list []TopRow, limit int, sight Sight) (rows []TopRow, hidden int, cut bool) {
	rows = []TopRow{}
	bytes := pageBytes
	for i := range list {
		row := &list[i]
		switch {
		case len(rows) == limit:
			return rows, hidden, false
		case bytes <= 0:
			return rows, hidden, true
		case !sight.MayUse(row.Lock):
			hidden++
		default:
			rows = append(rows, *row)
			bytes -= len(row.Lock) + len(row.Owner) + len(row.Meta)
		}
	}
	return rows, hidden, false
}

// PrefixAnswer is the census of names.
type PrefixAnswer struct {
	AgeMs      int64       `json:"age_ms"`
	Of         int         `json:"of"` // locks
	Separators string      `json:"separators"`
	Truncated  bool        `json:"truncated"` // some segments are among the others
	Hidden     int         `json:"hidden"`    // segments that the visitor may not see
	Rows       []PrefixRow `json:"rows"`
	Others     PrefixRow   `json:"others"` // names without a segment, or of one that is not listed
	Ages       AgesAnswer  `json:"ages"`
	EndsNext   []TopRow    `json:"ends_next"`
}

// AgesAnswer says how long the present holds stand.
type AgesAnswer struct {
	LeMs  []*float64      `json:"le_ms"` // upper end of each bucket; nil: it has none
	Locks table.Histogram `json:"locks"`
}

// Prefixes answers the census of names. It may wait for a view.
func (o *Observer) Prefixes(ctx context.Context, limit int, sight Sight) *PrefixAnswer {
	v, age := o.census.get(ctx, o)
	a := &PrefixAnswer{AgeMs: age.Milliseconds(), Of: v.held, Separators: table.Separators, Rows: []PrefixRow{}, Ages: AgesAnswer{BucketsMs(), v.ages}}
	a.Others = PrefixRow{Locks: v.others.Locks, Waiters: v.others.Waiters}
	for _, row := range v.prefixes {
		switch {
		case !sight.MayUse(row.Prefix):
			a.Hidden++
		case len(a.Rows) == limit:
			a.Truncated = true
		default:
			a.Rows = append(a.Rows, row)
		}
	}
	a.EndsNext, _, _ = visible(v.endsNext, min(limit, 20), sight)
	return a
}

// BucketsMs returns the upper ends of the buckets of a histogram in ms; nil for the last.
func BucketsMs() []*float64 {
	list := make([]*float64, table.Buckets)
	for i := range table.Buckets - 1 {
		ms := float64(table.BucketMax(i)) / float64(nsPerMs)
		list[i] = &ms
	}
	return list
}

// Longest returns the longest wait and the longest hold of the last views, and their locks with
// waiters. It asks for no view.
func (o *Observer) Longest() (wait, hold time.Duration) {
	if v := o.contended.peek(); v != nil {
		wait = time.Duration(v.longestMs) * time.Millisecond
	}
	if v := o.census.peek(); v != nil {
		hold = time.Duration(v.longestMs) * time.Millisecond
	}
	return wait, hold
}
