package audit

import (
	"cmp"
	"slices"
	"time"
)

const (
	tallyFirst = time.Second // after the first event of a quiet time, its count is written
	// after that, counts of one kind are written once per window
	tallyWindow = time.Minute
	// window of fetched images, since a backup fetches one every few seconds, for ever
	tallyWindowFetch = time.Hour
	// counts of one event that are kept apart; further ones are added up
	tallyMax = 256
)

// others is the address of the events that were not counted apart.
const others = "others"

// tally counts events of one kind by who and where.
type tally struct {
	counts  map[tallyKey]uint64
	due     time.Time // when the counts are written, if there are any
	written time.Time // when the last counts were written
}

type tallyKey struct{ what, by, from string }

func windowOf(e Event) time.Duration {
	if e == ImageFetch {
		return tallyWindowFetch
	}
	return tallyWindow
}

// add counts one event, and returns true if the counts were empty before.
func (t *tally) add(e Event, key tallyKey, now time.Time) (first bool) {
	if first = len(t.counts) == 0; first {
		t.counts = make(map[tallyKey]uint64)
		t.due = now.Add(tallyFirst)
		if again := t.written.Add(windowOf(e)); again.After(t.due) {
			t.due = again
		}
	}
	if _, known := t.counts[key]; !known && len(t.counts) >= tallyMax {
		key = tallyKey{key.what, "", others}
	}
	t.counts[key]++
	return first
}

// take returns a record per count, in the order of their keys, and empties the tally.
func (t *tally) take(e Event, now time.Time) (records []Record) {
	for key, n := range t.counts {
		records = append(records, Record{At: now, Event: e, By: key.by, From: key.from, What: key.what, Count: n})
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.By, b.By), cmp.Compare(a.From, b.From))
	})
	t.counts, t.written = nil, now
	return records
}
