package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stalled is a writer that blocks until it is released.
type stalled struct {
	release chan struct{}
	mu      sync.Mutex
	got     bytes.Buffer
}

func (s *stalled) Write(p []byte) (int, error) {
	<-s.release
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

func (s *stalled) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func TestLogThatIsNotReadHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stalled{release: make(chan struct{})}
		log, q := New(w, Text, slog.LevelInfo)
		for range recordsMax + 100 {
			log.Info("noise")
		}
		if n := q.Dropped(); n != 100 {
			t.Errorf("%d dropped, want 100", n)
		}
		record := slog.NewRecord(time.Now(), slog.LevelWarn, "forced release", 0)
		if err := Strict(q, Text, slog.LevelInfo).Handle(t.Context(), record); err == nil || q.Dropped() != 100 {
			t.Errorf("a record of the audit without room: %v", err)
		}
		log.Error("internal error")
		if n := q.Dropped(); n != 100 {
			t.Error("an error found no room")
		}
		if q.Close(time.Second) {
			t.Error("a queue whose writer hangs says that all is written")
		}
		close(w.release)
		synctest.Wait()
		if text := w.text(); !strings.Contains(text, "internal error") || !strings.Contains(text, "count=100") {
			t.Errorf("the last error, or the number of dropped records, was not written: ...%.300s", text[max(0, len(text)-300):])
		}
	})
}

func TestQueueIsBoundedInBytes(t *testing.T) {
	w := &stalled{release: make(chan struct{})}
	q := NewQueue(w, nil)
	record := make([]byte, 1<<20)
	for range 20 {
		_, _ = q.Write(record)
	}
	if n := q.Dropped(); n != 12 {
		t.Errorf("%d of 20 MiB dropped, want 12", n)
	}
	close(w.release)
	if !q.Close(time.Minute) {
		t.Error("not written at the end")
	}
	_, _ = q.Write(record)
	if n := q.Dropped(); n != 13 {
		t.Error("a closed queue takes records")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestRecordsThatCanNotBeWrittenCountAsDropped(t *testing.T) {
	log, q := New(broken{}, JSON, slog.LevelInfo)
	log.Info("one")
	log.Info("two")
	if !q.Close(time.Minute) || q.Dropped() != 2 {
		t.Errorf("%d dropped", q.Dropped())
	}
}

func TestWarningsOfOneKindAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		log, q := New(&b, Text, slog.LevelInfo)
		audit := slog.New(Strict(q, Text, slog.LevelInfo))
		for range 5 {
			for range 100 {
				log.Warn("bad peer")
				audit.Warn("forced release")
				log.Info("news")
			}
			time.Sleep(kindWindow)
			synctest.Wait()
		}
		log.Warn("another kind")
		q.Close(time.Second)
		for text, want := range map[string]int{`msg="bad peer"`: 5 * kindMax, `msg="forced release"`: 500, "msg=news": 500,
			`msg="another kind"`: 1, `msg="more of the same" event=more-of-the-same kind="bad peer" count=90`: 5} {
			if got := strings.Count(b.String(), text); got != want {
				t.Errorf("%s: %d records, want %d", text, got, want)
			}
		}
	})
}

func TestNumberOfKindsIsBounded(t *testing.T) {
	k := newKinds(time.Now)
	for i := range 10 * kindsMax {
		k.admit(strings.Repeat("x", i), slog.LevelWarn, func(string, slog.Level, int) {})
	}
	if len(k.of) > kindsMax+1 {
		t.Errorf("%d kinds", len(k.of))
	}
}
