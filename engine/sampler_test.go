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

// TestFailuresAreNotedOnceAMinute: an image that fails each second must leave room for others.
func TestFailuresAreNotedOnceAMinute(t *testing.T) {
	s := sampler{e: &Engine{observer: observe.New(observe.Config{})}}
	at := time.Now()
	take := func(after time.Duration, backup bool, failed, fetches uint64, why string) {
		st := Stats{Backup: backup, FetchFails: fetches}
		st.Image.Failures, st.Image.Problem, st.FetchError = failed, why, why
		s.last.Backup = backup
		s.noteChanges(&st, at.Add(after))
	}
	for second := range uint64(130) {
		take(time.Duration(second)*time.Second, false, second+1, 0, "the disk is full")
	}
	take(130*time.Second, false, 131, 0, "it is gone")
	take(131*time.Second, false, 131, 0, "it is gone")
	for second := range uint64(70) {
		take(time.Duration(second)*time.Second, true, 0, second+1, "no route")
	}
	take(time.Hour, false, 1, 0, "the disk is full")
	var said []string
	for _, e := range s.e.observer.Events(0, 100, &auth.Identity{}).Rows {
		said = append(said, e.Detail)
	}
	const written, fetched = "images that could not be written: ", "images that could not be fetched from the primary: "
	want := []string{written + "1, the last because: the disk is full", written + "60, the last because: the disk is full",
		written + "60, the last because: the disk is full", written + "10, the last because: it is gone", fetched + "1, the last because: no route", fetched + "60, the last because: no route",
		written + "1, the last because: the disk is full"}
	if !slices.Equal(said, want) {
		t.Errorf("%q, want %q", said, want)
	}
}

// TestFailuresThatAreOver have no reason any more when the event tells of them, and tries that fail
// and succeed in turn are told once a minute, too, though ports differ.
func TestFailuresThatAreOver(t *testing.T) {
	var f failures
	at := time.Now()
	for i, c := range []struct {
		after time.Duration
		count uint64
		why   string
		want  uint64
	}{
		{0, 1, "reset by :4711", 1},
		{5 * time.Second, 2, "reset by :4712", 0},
		{10 * time.Second, 2, "", 0},
		{15 * time.Second, 3, "reset by :4713", 0},
		{20 * time.Second, 4, "no route", 3},
		{25 * time.Second, 5, "", 0},
		{25*time.Second + failuresEvery, 5, "", 1},
	} {
		if n := f.news(c.count, c.why, at.Add(c.after)); n != c.want {
			t.Errorf("%d: %d, want %d", i, n, c.want)
		}
	}
	s := sampler{e: &Engine{observer: observe.New(observe.Config{})}}
	st := Stats{}
	st.Image.Failures = 1
	s.noteChanges(&st, at)
	want := "images that could not be written: 1, the next try succeeded"
	if rows := s.e.observer.Events(0, 10, &auth.Identity{}).Rows; len(rows) != 1 || rows[0].Detail != want {
		t.Errorf("%+v", rows)
	}
}
