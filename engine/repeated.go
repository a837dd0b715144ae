package engine

import "time"

// repeatEvery is how often a failure that goes on is logged: what is tried every 100 ms, for days,
// must not fill a log.
const repeatEvery = time.Minute

// repeated decides which failures of something that is tried again and again are logged. It belongs
// to the goroutine that tries. The zero value has seen none.
type repeated struct {
	text   string    // of the last failure; empty: the last try succeeded
	logged time.Time // when one was logged
}

// failed reports whether a failure at that time is to be logged: it is another one than the last,
// or that was told long ago.
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
