package durability

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"dlm/engine/snapshot"
)

// flaky is a primary whose transfers break off after some bytes, as often as told.
type flaky struct {
	image    []byte
	etag     string
	cuts     int // transfers that still break off
	requests []string
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests = append(f.requests, r.Header.Get("Range"))
	w.Header().Set("ETag", f.etag)
	if f.cuts > 0 {
		f.cuts--
		w = &cutWriter{w, 5000}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.image))
}

// cutWriter ends the connection after so many bytes.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	if len(b) < c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	_, _ = c.ResponseWriter.Write(b[:c.left]) // what counts is that it ends here
	c.ResponseWriter.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// TestFetchResumes: what has come of an image is not fetched again.
func TestFetchResumes(t *testing.T) {
	p := openStore(t, t.TempDir(), nil)
	acquire(t, p, "a")
	must(t, p.WriteImage())
	state, _ := p.Images()
	image, err := os.ReadFile(state.Path)
	if err != nil {
		t.Fatal(err)
	}
	primary := &flaky{image: image, etag: state.Header.ETag(), cuts: 2}
	server := httptest.NewServer(primary)
	defer server.Close()
	source := newSource(&Settings{BackupOf: strings.TrimPrefix(server.URL, "http://") + "/"}, snapshot.Lineage{})
	dir := t.TempDir()
	for range 2 {
		if _, err := source.fetch(t.Context(), nil, dir); err == nil {
			t.Fatal("a transfer that broke off is no error")
		}
	}
	fetched, err := source.fetch(t.Context(), nil, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(fetched.path); err != nil || !bytes.Equal(got, image) {
		t.Errorf("%d bytes of %d, %v", len(got), len(image), err)
	}
	if want := []string{"", "bytes=5000-", "bytes=10000-"}; strings.Join(primary.requests, " ") != strings.Join(want, " ") {
		t.Errorf("asked for %q", primary.requests)
	}
	have := state.Header
	if again, err := source.fetch(t.Context(), &have, dir); again.path != "" || err != nil {
		t.Errorf("fetched again: %s %v", again.path, err)
	}
}

// TestFetchAfterAnotherImage checks that the rest of an image is not appended to the beginning of
// another.
func TestFetchAfterAnotherImage(t *testing.T) {
	primary := &flaky{image: bytes.Repeat([]byte("old"), 4000), etag: `"x-1-1"`, cuts: 1}
	server := httptest.NewServer(primary)
	defer server.Close()
	source := newSource(&Settings{BackupOf: server.URL}, snapshot.Lineage{})
	dir := t.TempDir()
	if _, err := source.fetch(t.Context(), &snapshot.Header{}, dir); err == nil {
		t.Fatal("a transfer that broke off is no error")
	}
	primary.image, primary.etag = bytes.Repeat([]byte("new"), 4000), `"x-1-2"`
	fetched, err := source.fetch(t.Context(), &snapshot.Header{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(fetched.path); err != nil || !bytes.Equal(got, primary.image) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestStepDownAnswers: only a primary that names its last image has stopped.
func TestStepDownAnswers(t *testing.T) {
	name := snapshot.FileName(1, 2)
	for _, c := range []struct {
		answer http.HandlerFunc
		ok     bool
	}{
		{func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(name + "\n")) }, true},
		{func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) }, false},
		{func(http.ResponseWriter, *http.Request) {}, false},
		{func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/depose" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			_, _ = w.Write([]byte(name))
		}, false},
	} {
		server := httptest.NewServer(c.answer)
		last, err := newSource(&Settings{BackupOf: server.URL}, snapshot.Lineage{}).stepDown(t.Context(), "")
		server.Close()
		if c.ok != (err == nil) || c.ok && last != name {
			t.Errorf("%q %v, want it believed: %v", last, err, c.ok)
		}
	}
}

// TestBackupIsNoPrimary: who follows one could not be promoted safely.
func TestBackupIsNoPrimary(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(HeaderRole, RoleOfBackup)
		_, _ = w.Write([]byte("an image"))
	}))
	defer server.Close()
	_, err := newSource(&Settings{BackupOf: server.URL}, snapshot.Lineage{}).fetch(t.Context(), nil, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "a backup, or this server") {
		t.Errorf("fetched: %v", err)
	}
}

// TestFetchTakesNoMore than an image of a known length, uncompressed, from where it asked.
func TestFetchTakesNoMore(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/snapshot" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			t.Error("it went there")
		}, "answers 302"},
		{"gzip", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		}, "Content-Encoding"},
		{"no length", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("some"))
			w.(http.Flusher).Flush()
			_, _ = w.Write([]byte("more"))
		}, "does not send the length"},
		{"more than the disk has", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000000000000")
			_, _ = w.Write([]byte("some"))
		}, "does not fit"},
		{"a part that nobody asked for", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 10-13/14")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write([]byte("some"))
		}, "bytes 10-13/14"},
	} {
		server := httptest.NewServer(c.answer)
		dir := t.TempDir()
		_, err := newSource(&Settings{BackupOf: server.URL}, snapshot.Lineage{}).fetch(t.Context(), nil, dir)
		server.Close()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", c.name, left)
		}
	}
}

func TestWhatBackupOfNames(t *testing.T) {
	for name, dir := range map[string]bool{"primary:7421": false, "primary:7421/": false, "[::1]:7421/": false, "primary": false,
		"https://primary/": false, "/data": true, "data/": true, "./a:1": true, "/data:1": true} {
		if _, is := newSource(&Settings{BackupOf: name}, snapshot.Lineage{}).(sharedDir); is != dir {
			t.Errorf("%s: a directory: %v, want %v", name, is, dir)
		}
	}
}

func TestAddressOfPrimary(t *testing.T) {
	long := strings.Repeat("n", addressMax) + ":1"
	for header, want := range map[string]string{
		"127.0.0.1:7420": "127.0.0.1:7420",
		":7420":          "db.example:7420",
		"[::1]:7420":     "[::1]:7420",
		"":               "",
		"host":           "",
		"host:":          "",
		long:             "",
	} {
		if got := addressOf(header, "https://db.example:8443"); got != want {
			t.Errorf("%.20q: %q, want %q", header, got, want)
		}
	}
}
