package admin

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// static holds the dashboard: one document, one style sheet, and modules that the browser runs as
// they are. There is no build step.
//
//go:embed static
var static embed.FS

// etagBytes of the digest make the ETag. 16 bytes are enough, because nobody gains by a collision.
const etagBytes = 16

// asset is one file of the dashboard.
type asset struct {
	contentType string
	body        []byte
	zipped      []byte // body, compressed by gzip
	etag        string // without quotes
}

// contentTypes are fixed, because nosniff makes a browser refuse a script with another type. They
// do not depend on the tables of the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// assets returns the files of the dashboard by the path of their URL.
func assets() map[string]*asset {
	all := map[string]*asset{}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		digest := sha256.Sum256(body)
		a := &asset{contentTypes[path.Ext(name)], body, zip(body), hex.EncodeToString(digest[:etagBytes])}
		all[strings.TrimPrefix(name, "static")] = a
		return err
	})
	if err != nil {
		panic("BUG: the embedded files can't be read: " + err.Error())
	}
	all["/"] = all["/index.html"]
	delete(all, "/index.html")
	return all
}

func zip(body []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// page sends a file of the dashboard. A browser keeps the file and asks each time whether it has
// changed, so that a page does not mix files of two versions of the server.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	a := s.assets[r.URL.Path]
	if a == nil {
		answer(w, http.StatusNotFound, "no such page: the dashboard is at /")
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	body, etag := a.body, a.etag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body, etag = a.zipped, a.etag+"-gzip"
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
