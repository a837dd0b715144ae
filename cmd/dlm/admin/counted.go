package admin

import (
	"fmt"
	"net/http"
	"strconv"
)

// countedWriter records whether an image was sent to its end.
type countedWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the writer.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// complete reports whether the client has the last byte, from this request or an earlier one.
func (w *countedWriter) complete() bool {
	switch w.status {
	case http.StatusNotModified:
		return true
	case http.StatusOK, http.StatusPartialContent:
	default:
		return false
	}
	if strconv.FormatInt(w.bytes, 10) != w.Header().Get("Content-Length") {
		return false
	}
	var from, to, size int64
	n, _ := fmt.Sscanf(w.Header().Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size)
	return n != 3 || to+1 == size
}
