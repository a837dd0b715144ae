package durability

import (
	"strings"
	"time"
)

// repeatEvery is how often a failure that goes on is logged, because a try every 100 ms, for days,
// must not fill a log.
const repeatEvery = time.Minute

// repeated decides which failures of repeated tries are logged. It belongs to the goroutine that
// tries. The zero value has seen no failure.
type repeated struct {
	text   string    // of the last failure; empty: the last try succeeded
	logged time.Time // when one was logged
}

// failed reports whether a failure is to be logged: it differs from the last one, or the last one
// was logged long ago.
func (r *repeated) failed(err error, now time.Time) bool {
	text := briefly(err) // without the ports and numbers that differ each time
	if text == r.text && now.Sub(r.logged) < repeatEvery {
		return false
	}
	r.text, r.logged = text, now
	return true
}

// succeeded reports whether the try before has failed.
func (r *repeated) succeeded() bool {
	was := r.text != ""
	r.text = ""
	return was
}

// oneLine returns the text of an error in one line; empty: there is none.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
