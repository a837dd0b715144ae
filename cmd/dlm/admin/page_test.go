package admin

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// pageBytesMax is what a browser without a cache loads, compressed.
const pageBytesMax = 75 << 10

// TestPageLoads fetches the document and everything that it names, directly or through modules, as
// a browser does. Every file that is embedded is one of them, or belongs to what is vendored.
func TestPageLoads(t *testing.T) {
	_, base := serve(t, &fake{open: true})
	named := regexp.MustCompile(`(?:from|src=|href=)\s*"(\.?/[\w./-]*)"`)
	sent, todo, seen := 0, []string{"/"}, map[string]bool{"/": true}
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		body, size := loadPage(t, base+at)
		sent += size
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
		if !seen[name] && !strings.HasPrefix(name, "/ui/vendor/") {
			t.Errorf("nothing loads %s", name)
		}
	}
	if len(seen) < 10 || sent > pageBytesMax {
		t.Errorf("%d files, %d bytes; at most %d bytes", len(seen), sent, pageBytesMax)
	}
	t.Logf("%d files, %d bytes", len(seen), sent)
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

// TestVendored compares the files of others with the checksums that `make vendor-ui` compares.
func TestVendored(t *testing.T) {
	sums, err := fs.ReadFile(static, "static/ui/vendor/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(sums)), "\n")
	for _, line := range lines {
		want, name, _ := strings.Cut(line, "  ")
		body, err := fs.ReadFile(static, "static/ui/vendor/"+name)
		digest := sha256.Sum256(body)
		if err != nil || hex.EncodeToString(digest[:]) != want {
			t.Errorf("%s is not what %q says (%v)", name, line, err)
		}
	}
	if files, err := fs.ReadDir(static, "static/ui/vendor"); err != nil || len(files) != len(lines)+1 {
		t.Errorf("%d files, %d checksums (%v)", len(files), len(lines), err)
	}
}

// TestScriptsMakeNoMarkup: the policy of the page would stop these in a browser. This test names
// the line.
func TestScriptsMakeNoMarkup(t *testing.T) {
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"|\.cookie`)
	for name, a := range assets() {
		if strings.HasPrefix(name, "/ui/vendor/") {
			continue
		}
		for n, line := range bytes.Split(a.body, []byte("\n")) {
			if markup.Match(line) {
				t.Errorf("%s:%d: %s", name, n+1, line)
			}
		}
	}
}
