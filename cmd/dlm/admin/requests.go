package admin

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// counting counts the requests of a handler by route and status. The route is the pattern that has
// matched, never the URL, which is a stranger's.
func (s *Server) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(noted, r)
		_, path, _ := strings.Cut(r.Pattern, " ")
		if path == "" {
			path = "other"
		}
		s.metrics.requests.WithLabelValues(path, strconv.Itoa(noted.status)).Inc()
	})
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes a final status. A status below 200 is progress.
func (w *statusWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// ReadFrom lets the connection send an image without a copy, as it does without this writer.
func (w *statusWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }

// Unwrap lets http.ResponseController reach the writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
