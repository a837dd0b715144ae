package engine

import (
	"slices"
	"testing"
	"time"

	"dlm/engine/auth"
	"dlm/engine/observe"
)

// TestPausesAreNotedOnceAMinute: a busy machine pauses all the time, and its events must leave room
// for others.
func TestPausesAreNotedOnceAMinute(t *testing.T) {
	s := sampler{e: &Engine{observer: observe.New(observe.Config{})}}
	at, longest := time.Now(), time.Duration(0)
	take := func() time.Duration { return longest }
	var said []string
	for second, pauses := range []uint64{0, 2, 5, 5} {
		longest = time.Duration(second) * 10 * time.Millisecond
		s.notePauses(pauses, at.Add(time.Duration(second)*time.Second), take)
	}
	s.notePauses(9, at.Add(pausesEvery), take)
	s.notePauses(9, at.Add(pausesEvery+2*time.Second), take)
	s.notePauses(9, at.Add(time.Hour), take)
	for _, e := range s.e.observer.Events(0, 10, &auth.Identity{}).Rows {
		said = append(said, e.Kind+" "+e.Detail)
	}
	want := []string{"pause pauses of the process: 2, the longest 10 ms", "pause pauses of the process: 7, the longest 30 ms"}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}
