package admin

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Bounds of what a browser without a cache loads, as the files are written and compressed.
const (
	pageBytesMax = 150_000
	pageSentMax  = 55_000
)

// TestPageLoads fetches the document and everything that it names, directly or through modules, as
// a browser does. Every file that is embedded is one of them.
func TestPageLoads(t *testing.T) {
	_, base := serve(t, &fake{open: true})
	named := regexp.MustCompile(`(?:from|src=|href=)\s*"(\.?/[\w./-]*)"`)
	written, sent, todo, seen := 0, 0, []string{"/"}, map[string]bool{"/": true}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		body, size := loadPage(t, base+at)
		written, sent = written+len(body), sent+size
		for _, m := range named.FindAllStringSubmatch(body, -1) {
			next := m[1]
			if rest, relative := strings.CutPrefix(next, "./"); relative {
				next = at[:strings.LastIndex(at, "/")+1] + rest
			}
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		}
	}
	for name := range assets() {
		if !seen[name] {
			t.Errorf("nothing loads %s", name)
		}
	}
	if len(seen) < 10 || written > pageBytesMax || sent > pageSentMax {
		t.Errorf("%d files, %d bytes, %d compressed; at most %d and %d", len(seen), written, sent, pageBytesMax, pageSentMax)
	}
	t.Logf("%d files, %d bytes, %d compressed", len(seen), written, sent)
}

// loadPage fetches one file and asks again with its ETag. It returns the content, and the bytes
// that were sent.
func loadPage(t *testing.T, url string) (body string, size int) {
	t.Helper()
	zipped := loadFile(t, url, http.StatusOK, "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(bytes.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	plain := loadFile(t, url, http.StatusOK)
	if !bytes.Equal(content, plain.body) || plain.etag == zipped.etag {
		t.Errorf("GET %s: %d bytes without compression, %d in it, ETags %s and %s", url, len(plain.body), len(content), plain.etag, zipped.etag)
	}
	loadFile(t, url, http.StatusNotModified, "Accept-Encoding", "gzip", "If-None-Match", zipped.etag)
	return string(content), len(zipped.body)
}

// loadedFile is an answer as it was sent.
type loadedFile struct {
	body []byte
	etag string
}

// loadFile asks as a browser does, with headers (names and values in turn).
func loadFile(t *testing.T, url string, want int, headers ...string) loadedFile {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want || res.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("GET %s %q: %s %v %v", url, headers, res.Status, res.Header, err)
	}
	return loadedFile{body, res.Header.Get("ETag")}
}

// TestPageRules: no token is needed, other hosts and other methods get nothing.
func TestPageRules(t *testing.T) {
	_, base := serve(t, &fake{})
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/", nil, 200},
		{"HEAD", "/ui/main.js", nil, 200},
		{"GET", "/", []string{"Host", "locks.example"}, 200},
		{"GET", "/", []string{"Host", "evil.example"}, 421},
		{"GET", "/ui/main.js", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", "/", nil, 405},
		{"GET", "/index.html", nil, 404},
		{"GET", "/ui/", nil, 404},
		{"GET", "/ui/nothing.js", nil, 404},
		{"GET", "/ui/%2e%2e/%2e%2e/page.go", nil, 404},
	} {
		if code, body, _ := ask(t, c.method, base+c.path, "", c.headers...); code != c.want {
			t.Errorf("%s %s %q: %d %.60s, want %d", c.method, c.path, c.headers, code, body, c.want)
		}
	}
}

// TestScriptsMakeNoMarkup: the policy of the page would stop these in a browser. This test names
// the line.
func TestScriptsMakeNoMarkup(t *testing.T) {
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"|\.cookie`)
	for name, a := range assets() {
		for n, line := range bytes.Split(a.body, []byte("\n")) {
			if markup.Match(line) {
				t.Errorf("%s:%d: %s", name, n+1, line)
			}
		}
	}
}
