package admin

import "net/http"

// HeaderProgress carries a line on what a promotion waits for, in an informational response
// (102) before the answer: the answer keeps its status, and clients that do not look for these
// responses skip them.
const HeaderProgress = "Dlm-Progress"

// progress returns a function that tells the client a line. It belongs to the handler's goroutine,
// and to those that it waits for.
func progress(w http.ResponseWriter, r *http.Request) func(line string) {
	if !r.ProtoAtLeast(1, 1) {
		return nil // HTTP/1.0 knows one response to a request
	}
	return func(line string) {
		w.Header().Set(HeaderProgress, line)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del(HeaderProgress)
	}
}
