package engine

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// update is what the imager does at each interval.
func (s *sim) update() (written bool) {
	s.t.Helper()
	written, err := s.e.store.UpdateImage()
	if err != nil {
		s.t.Fatal(err)
	}
	return written
}

// TestUnchangedTableIsNotWrittenAgain, and is known to be as in its image all the same.
func TestUnchangedTableIsNotWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	if !s.update() {
		t.Error("no first image of a start")
	}
	steps := []struct {
		line string
		want bool // it is written
	}{
		{"PING", false},
		{"ACQUIRE a svc 0", true},
		{"STATUS a", false},
		{"HEARTBEAT a svc", false},
		{"HEARTBEAT a svc TTL 10000", false}, // as before
		{"HEARTBEAT a svc TTL 12000", true},
		{"ACQUIRE a svc 0", true},
		{"ACQUIRE a other 0", false}, // TIMEOUT
		{"RELEASE a svc", true},      // one count of two
		{"RELEASE a other", false},   // NOTOWNER
		{"RELEASE a svc", true},
		{"RELEASE a svc", false}, // NOTHELD
		{"ACQUIRE b svc 0 TTL 1000", true},
	}
	for _, c := range steps {
		before, _ := s.e.store.Images()
		s.ask(c.line)
		if written := s.update(); written != c.want {
			t.Errorf("after %s: written %v", c.line, written)
		}
		after, _ := s.e.store.Images()
		if same := after.Path == before.Path; same == c.want || same != (after.Same == before.Same+1) || !after.AsOf.After(before.AsOf) {
			t.Errorf("after %s: %+v, then %+v", c.line, before, after)
		}
		if info, err := os.Stat(after.Path); err != nil || c.want == false && !info.ModTime().Equal(after.AsOf) {
			t.Errorf("after %s: the file is of %v, want %v; %v", c.line, info.ModTime(), after.AsOf, err)
		}
	}
	s.advance(2 * time.Second) // b expires
	if !s.update() || s.update() {
		t.Error("an expiry is one change")
	}
	if info := s.ask("INFO durability"); !strings.Contains(info, "image_age_ms:") || !strings.Contains(info, "image_written_ms_ago:") ||
		!strings.Contains(info, "images_not_needed:8") {
		t.Errorf("INFO: %s", info)
	}
	s.crash()
}

// TestBackupOfUnchangedTableIsNotStale: the answer that there is nothing newer makes what it
// has good again.
func TestBackupOfUnchangedTableIsNotStale(t *testing.T) {
	one := t.TempDir()
	p := mustStart(t, one, nil)
	p.want("ACQUIRE a svc 0", "OK")
	p.image()
	state, _ := p.e.store.Images()
	image := readFile(t, state.Path)
	age := "60000"
	primary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", state.Header.ETag())
		if age != "" {
			w.Header().Set(durability.HeaderAge, age)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(image))
	}))
	defer primary.Close()
	b := mustStart(t, t.TempDir(), func(c *Config) { c.BackupOf = primary.URL })
	ask := func(tell string, least, most time.Duration, heldMs int64) {
		t.Helper()
		age = tell
		b.mustFollow()
		if got := b.e.store.State().Staleness(); got < least || got > most {
			t.Errorf("told %q ms: %v old, want %v to %v", tell, got, least, most)
		}
		var held int64
		status := b.ask("STATUS a")
		if _, err := fmt.Sscanf(status[strings.Index(status, "held_ms="):], "held_ms=%d", &held); err != nil || held < heldMs || held > heldMs+20_000 {
			t.Errorf("%s: %v, want it held for %d ms", status, err, heldMs)
		}
	}
	ask("60000", time.Minute, time.Minute+20*time.Second, 0)
	ask("1000", time.Second, 21*time.Second, 59_000)
	ask("nonsense", time.Second, 21*time.Second, 59_000)
	ask("90000", time.Second, 21*time.Second, 59_000) // it was told better
	ask("0", 0, 20*time.Second, 60_000)
	b.crash()
	p.crash()
}

// TestBackupOfUnchangedDirectory sees the same by the time of the file.
func TestBackupOfUnchangedDirectory(t *testing.T) {
	one := t.TempDir()
	p := mustStart(t, one, func(c *Config) { c.wall = func() time.Time { return time.Now().Add(-time.Hour) } })
	p.image()
	b := newBackup(t, one, t.TempDir())
	b.mustFollow()
	if got := b.e.store.State().Staleness(); got < time.Hour {
		t.Errorf("%v old, from an image of an hour ago", got)
	}
	if p.update() {
		t.Fatal("written without a change")
	}
	b.mustFollow()
	if got := b.e.store.State().Staleness(); got > time.Minute {
		t.Errorf("%v old, though it was looked at right now", got)
	}
	b.crash()
	p.crash()
}

// TestTouchWhatIsGone: the time of an image that is not there can't be set.
func TestTouchWhatIsGone(t *testing.T) {
	d, err := snapshot.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Touch(snapshot.Header{Start: 1, Number: 2}, time.Now()); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
