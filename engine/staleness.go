package engine

import "time"

// A primary writes no image while nothing changes. So how old the state of a backup can be is not
// told by the image alone: the primary answers with each question when its table was last known
// to be as in the newest image.

// know sets when that was for the image that is being loaded. Nobody else has the table yet.
func (r *recovered) know(at time.Time) {
	r.asFirst = int64(at.Sub(r.started))
	r.asOf.Store(r.asFirst)
}

// confirm moves that time on: the primary has said that the image is the newest still.
func (r *recovered) confirm(at time.Time) {
	r.asOf.Store(max(r.asOf.Load(), int64(at.Sub(r.started))))
}

// staleness returns for how long the primary's table may have been different from what is served.
func (r *recovered) staleness() time.Duration {
	return max(0, time.Since(r.started)-time.Duration(r.asOf.Load()))
}

// unchangedMs returns for how long the image has been true since it was loaded. Its locks have been
// held longer by that than it tells.
func (r *recovered) unchangedMs() int64 { return (r.asOf.Load() - r.asFirst) / int64(time.Millisecond) }
