package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// outcomes are the records of the book, with their outcomes.
func (b *book) outcomes() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for _, r := range b.records {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(r.What, " ", r.Outcome)))
	}
	return strings.Join(lines, "; ")
}

// TestActFollowsItsRecord: Recorded returns true when the record is in the sink, and not before.
func TestActFollowsItsRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{block: make(chan struct{})}
		l, _ := started(t, b)
		a, returned := l.Begin(Record{What: "a"}), false
		go func() {
			if !a.Recorded(t.Context()) {
				t.Error("refused")
			}
			if got := b.outcomes(); got != "a asked" {
				t.Errorf("it returned with %q", got)
			}
			returned = true
			a.End(Record{What: "a", Outcome: Done})
		}()
		synctest.Wait()
		if returned {
			t.Error("it did not wait")
		}
		close(b.block)
		synctest.Wait()
		if got := b.outcomes(); !returned || got != "a asked; a done" {
			t.Errorf("returned %v, %q", returned, got)
		}
		l.Close(time.Second)
	})
}

// TestActsAreRefusedWhileTheSinkFails, the one that meets the failure, those that wait and new
// ones. Their records are written when the sink works again.
func TestActsAreRefusedWhileTheSinkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{err: errors.New("disk full"), block: make(chan struct{})}
		l, said := started(t, b)
		for _, name := range []string{"a", "b"} {
			act := l.Begin(Record{What: name})
			go func() {
				if act.Recorded(t.Context()) {
					t.Error(name, "is not refused")
				}
				act.End(Record{What: name, Outcome: "LIMIT"})
			}()
		}
		close(b.block)
		synctest.Wait()
		if _, failure := l.State(); failure == nil || l.Begin(Record{}) != nil {
			t.Fatalf("failure %v, and acts begin", failure)
		}
		l.Note(Record{What: "c"})
		time.Sleep(10 * retry)
		synctest.Wait()
		if n := strings.Count(said.String(), "refused until"); n != 1 {
			t.Errorf("said %d times:\n%s", n, said)
		}
		b.fail(nil)
		time.Sleep(2 * retry)
		synctest.Wait()
		if a := l.Begin(Record{What: "d"}); a == nil || !a.Recorded(t.Context()) {
			t.Error("still refused")
		} else {
			a.End(Record{What: "d", Outcome: Done})
		}
		if !strings.Contains(said.String(), "written again") {
			t.Error(said)
		}
		l.Close(time.Second)
		got := b.outcomes()
		one, other := "a asked; b asked; a LIMIT; b LIMIT; c; d asked; d done", "a asked; b asked; b LIMIT; a LIMIT; c; d asked; d done"
		if got != one && got != other {
			t.Error(got)
		}
	})
}

// TestActsAreRefusedWhileTheSinkHangs: after patience all are, and new ones are with no wait, until
// a record is written.
func TestActsAreRefusedWhileTheSinkHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{block: make(chan struct{})}
		l, said := started(t, b)
		start := time.Now()
		a := l.Begin(Record{What: "a"})
		time.Sleep(patience / 2)
		later := l.Begin(Record{What: "b"})
		go func() {
			if later.Recorded(t.Context()) {
				t.Error("b is not refused")
			}
		}()
		go func() {
			if a.Recorded(t.Context()) {
				t.Error("a is not refused")
			}
		}()
		time.Sleep(patience + time.Millisecond)
		synctest.Wait()
		if l.Begin(Record{What: "c"}) != nil {
			t.Error("an act begins while the sink hangs")
		}
		if _, failure := l.State(); !errors.Is(failure, errHangs) || strings.Count(said.String(), "refused until") != 1 {
			t.Errorf("%v: %s", failure, said)
		}
		if waited := time.Since(start); waited > 2*patience {
			t.Errorf("they waited for %v", waited)
		}
		close(b.block)
		synctest.Wait()
		if d := l.Begin(Record{What: "d"}); d == nil || !d.Recorded(t.Context()) {
			t.Error("d is refused")
		}
		if got := b.outcomes(); got != "a asked; b asked; d asked" || !strings.Contains(said.String(), "written again") {
			t.Errorf("%q, %s", got, said)
		}
		l.Close(time.Second)
	})
}

// TestActIsRefusedIfItsAskerLeaves, and others go on.
func TestActIsRefusedIfItsAskerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{block: make(chan struct{})}
		l, _ := started(t, b)
		ctx, leave := context.WithCancel(t.Context())
		a, other := l.Begin(Record{What: "a"}), l.Begin(Record{What: "b"})
		leave()
		if a.Recorded(ctx) {
			t.Error("not refused")
		}
		if _, failure := l.State(); failure != nil {
			t.Error(failure)
		}
		close(b.block)
		if !other.Recorded(t.Context()) {
			t.Error("another is refused")
		}
		if a.Recorded(t.Context()) {
			t.Error("its end is not final")
		}
		l.Close(time.Second)
	})
}

// TestActsBeforeTheStart write their records themselves.
func TestActsBeforeTheStart(t *testing.T) {
	b := &book{}
	l := New(b, slog.New(slog.DiscardHandler))
	if !l.Begin(Record{What: "a"}).Recorded(t.Context()) || b.outcomes() != "a asked" {
		t.Error(b.outcomes())
	}
	b.fail(errors.New("disk full"))
	if l.Begin(Record{What: "b"}).Recorded(t.Context()) {
		t.Error("not refused")
	}
}

// TestReopenTriesTheSink: an act that follows it is refused only if the sink fails now. It does not
// wait for one that hangs.
func TestReopenTriesTheSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{err: errors.New("disk full")}
		l, _ := started(t, b)
		if a := l.BeginRecorded(t.Context(), Record{What: "a"}); a != nil {
			t.Fatal("not refused")
		}
		start := time.Now()
		l.Reopen()
		if l.BeginRecorded(t.Context(), Record{What: "b"}) != nil {
			t.Error("not refused after a Reopen in vain")
		}
		b.fail(nil)
		l.Reopen()
		if l.BeginRecorded(t.Context(), Record{What: "c"}) == nil || time.Since(start) > 0 {
			t.Errorf("refused, or it took %v", time.Since(start))
		}
		b.block = make(chan struct{})
		l.Note(Record{What: "d"})
		synctest.Wait()
		if l.Reopen(); time.Since(start) != patience {
			t.Errorf("it took %v", time.Since(start))
		}
		close(b.block)
		l.Close(time.Second)
		if got := b.outcomes(); got != "a asked; a LIMIT; c asked; d" {
			t.Error(got)
		}
		l.Reopen()
	})
}
