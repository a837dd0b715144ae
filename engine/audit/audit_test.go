package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// book is a sink in memory, which fails or blocks when it is told to.
type book struct {
	mu      sync.Mutex
	records []Record
	err     error
	block   chan struct{} // nil: it does not block
}

func (b *book) Write(r *Record) error {
	if b.block != nil {
		<-b.block
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.records = append(b.records, *r)
	return nil
}

func (b *book) Reopen() error { return nil }
func (b *book) Close() error  { return nil }

func (b *book) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *book) lines() (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.records {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(r.Event, " ", r.What, " ", r.By, " ", r.From, " ", r.Count)))
	}
	return lines
}

func started(t *testing.T, sink Sink) (*Log, *bytes.Buffer) {
	var said bytes.Buffer
	l := New(sink, slog.New(slog.NewTextHandler(&said, nil)))
	l.Start()
	return l, &said
}

// TestCallersNeverWait fills the audit while its sink hangs: Begin refuses, Note drops and counts.
func TestCallersNeverWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{block: make(chan struct{})}
		l, _ := started(t, b)
		begun := 0
		for a := l.Begin(Record{Event: ForceRelease}); a != nil; a = l.Begin(Record{Event: ForceRelease}) {
			begun++
			a.End(Record{Event: ForceRelease})
		}
		if begun != queueMax/2 {
			t.Errorf("%d acts, want %d", begun, queueMax/2)
		}
		l.Note(Record{Event: AdminAuth})
		l.Note(Record{Event: AdminAuth})
		if dropped, _ := l.State(); dropped != 2 {
			t.Errorf("%d dropped", dropped)
		}
		close(b.block)
		synctest.Wait()
		l.Note(Record{Event: AdminAuth})
		synctest.Wait()
		if lines := b.lines(); len(lines) != queueMax+2 || lines[queueMax] != "dropped    2" {
			t.Errorf("%d lines, and the end is %q", len(lines), lines[queueMax:])
		}
		if !l.Close(time.Second) || l.Begin(Record{}) != nil {
			t.Error("not all was written, or a closed audit takes acts")
		}
	})
}

// TestPromisedPlacesAreKept fills the rest of the queue between Begin and End.
func TestPromisedPlacesAreKept(t *testing.T) {
	l := New(&book{}, slog.New(slog.DiscardHandler))
	a := l.Begin(Record{Event: Promote})
	for range queueMax {
		l.Note(Record{Event: StepDown})
	}
	a.End(Record{Event: Promote, Outcome: Done})
	if dropped, _ := l.State(); dropped != queueMax-notesMax+2 || len(l.queue) != notesMax || l.promised != 0 {
		t.Errorf("%d dropped, %d queued, %d promised", dropped, len(l.queue), l.promised)
	}
}

// TestCountsPerAddressAndMinute floods the audit with wrong tokens.
func TestCountsPerAddressAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &book{}
		l, _ := started(t, b)
		for i := range 150 { // seconds
			for range 100 {
				l.Count(WrongToken, "lock port", "", "192.0.2.7:4000")
				l.Count(WrongToken, "http", "", "[2001:db8::1]:80")
			}
			if time.Sleep(time.Second / 2); i > 0 { // no count falls on the end of a window
				time.Sleep(time.Second / 2)
			}
		}
		l.Close(time.Second)
		want := []string{
			"wrong-token http  2001:db8::/64 200", "wrong-token lock port  192.0.2.7 200",
			"wrong-token http  2001:db8::/64 6000", "wrong-token lock port  192.0.2.7 6000",
			"wrong-token http  2001:db8::/64 6000", "wrong-token lock port  192.0.2.7 6000",
			"wrong-token http  2001:db8::/64 2800", "wrong-token lock port  192.0.2.7 2800"}
		if got := b.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s", strings.Join(got, "\n"))
		}
	})
}

func TestAddressesThatAreCountedAreBounded(t *testing.T) {
	b := &book{}
	l := New(b, slog.New(slog.DiscardHandler))
	for i := range 10 * tallyMax {
		l.Count(WrongToken, "lock port", "", fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))
	}
	l.Flush()
	lines := b.lines()
	if len(lines) > queueMax || !strings.Contains(strings.Join(lines, "\n"), "lock port  others 2304") {
		t.Errorf("%d lines", len(lines))
	}
}

func TestSince(t *testing.T) {
	l := New(&book{}, slog.New(slog.DiscardHandler))
	for range keptMax + 10 {
		l.Note(Record{Event: Promote})
		l.Flush()
	}
	for _, c := range []struct {
		seq       uint64
		from, n   uint64
		lost      uint64
		explained string
	}{
		{0, 11, 5, 10, "the oldest are gone"},
		{1, 11, 5, 10, "the oldest are gone"},
		{20, 20, 5, 0, "in the middle"},
		{keptMax + 9, keptMax + 9, 2, 0, "the last"},
		{keptMax + 11, 0, 0, 0, "none is newer"},
		{1 << 40, 11, 5, 10, "a number of an earlier start"},
	} {
		records, next, lost := l.Since(c.seq, 5)
		if uint64(len(records)) != c.n || lost != c.lost || c.n > 0 && (records[0].Seq != c.from || next != c.from+c.n) || c.n == 0 && next != c.seq {
			t.Errorf("%s: %d records from %v, %d lost, next %d", c.explained, len(records), records, lost, next)
		}
	}
	if records, next, lost := New(&book{}, nil).Since(0, 5); records != nil || next != 1 || lost != 0 {
		t.Errorf("an empty audit: %v %d %d", records, next, lost)
	}
}

// TestFile writes, rotates with and without a signal, and removes the directory.
func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	path := filepath.Join(dir, "audit.jsonl")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	sink, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := New(sink, slog.New(slog.DiscardHandler))
	note := func(what string) {
		l.Note(Record{Event: ForceRelease, Lock: what, Owner: "\xff\x9b", Token: 7})
		l.Flush()
	}
	note("a")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for i, old := range []string{"1", "2"} {
		if err := os.Rename(path, filepath.Join(dir, old)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			l.Reopen()
		}
		note("b" + old)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	note("c")
	if _, failure := l.State(); failure == nil || l.Begin(Record{}) != nil {
		t.Error("no failure without a directory")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.Flush()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil || got["lock"] != "c" || got["owner"] != `\xff\x9b` || got["token"] != 7.0 || got["seq"] != 4.0 {
		t.Errorf("%s: %v", text, err)
	}
	if !l.Close(time.Second) {
		t.Error("not closed")
	}
}

func TestOnlyARegularFileIsTaken(t *testing.T) {
	for _, path := range []string{"/dev/null", t.TempDir(), "/no/such/directory/file"} {
		if _, err := OpenFile(path); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
}

// TestTornLineIsEnded appends after a write that was cut.
func TestTornLineIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(`{"time`), 0o600); err != nil {
		t.Fatal(err)
	}
	sink, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sink.(*file).torn = true
	for range 2 {
		if err := sink.Write(&Record{Event: Promote}); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(path)
	if lines := strings.Split(string(text), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], `{"time":`) || !strings.HasPrefix(lines[2], `{"time":`) {
		t.Errorf("%q", text)
	}
}

func TestPeer(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.7:1": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3::9]:5": "2001:db8:1:2::/64",
		"::1": "::/64", "unix": "unix", "": ""} {
		if got := Peer(from); got != want {
			t.Errorf("%s: %s", from, got)
		}
	}
}
