package admin

import "net/http"

// HeaderProgress carries a line on what a promotion waits for. It is sent in informational
// responses (102) before the answer, so the answer keeps its status, and clients that do not know
// these responses skip them.
const HeaderProgress = "Dlm-Progress"

// progress returns a function that sends the client a line. Only the handler's goroutine may call
// it, and goroutines that the handler waits for.
func progress(w http.ResponseWriter, r *http.Request) func(line string) {
	if !r.ProtoAtLeast(1, 1) {
		return nil // HTTP/1.0 allows one response to a request
	}
	return func(line string) {
		w.Header().Set(HeaderProgress, line)
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del(HeaderProgress)
	}
}
