package durability

import (
	"fmt"
	"sync/atomic"
	"time"

	"dlm/codec"
	"dlm/engine/clock"
	"dlm/engine/snapshot"
	"dlm/table"
)

// Role says what a server does with its table.
type Role uint8

// The roles of a server.
const (
	Memory  Role = iota // it decides, and forgets all when it stops
	Primary             // it decides, and writes images
	Backup              // it answers lookups from the images of its primary
)

// State is the table that is served, and where it came from. A Store replaces its State as a whole:
// a backup with each image, a promotion once. The fields do not change, but for Start.TokenCeiling,
// which belongs to the goroutine "imager".
type State struct {
	Table  *table.Table
	Role   Role
	Start  snapshot.Start  // as it is on disk
	From   string          // file name of the image; empty: none
	Header snapshot.Header // of that image
	Holds  int             // in the image
	Grace  time.Duration   // of this start; 0: none
	// TTLMaxMs is the longest TTL that a command may ask for. TTLReason refuses a longer one: it is
	// made once, because clients cause many refusals.
	TTLMaxMs  uint32
	TTLReason string
	Started   time.Time // of the process, or of the promotion

	dir       *snapshot.Dir // nil: memory only
	begun     int64         // table time when the grace began; of a backup that of the image, ns
	newDir    bool          // dir had neither START nor an image
	asOf      atomic.Int64  // when the table was known to be as in the image, ns after Started
	asOfFirst int64         // the same, when the image was loaded
}

// Follows reports whether the table is that of a backup, which nobody may change.
func (s *State) Follows() bool { return s.Role == Backup }

// WithoutImage reports whether the server is a backup that has no image yet.
func (s *State) WithoutImage() bool { return s.Role == Backup && s.From == "" }

// GraceLeft returns how much of the recovery grace is left at table time now.
func (s *State) GraceLeft(now int64) time.Duration {
	if s.Grace == 0 {
		return 0
	}
	return max(0, s.Grace-time.Duration(max(0, now-s.begun)))
}

// TimeAt returns the table time of lookups. In a backup it is that of the image.
func (s *State) TimeAt(now int64) int64 {
	if s.Follows() {
		return s.begun
	}
	return now
}

// limitTTL sets the longest TTL that a command may ask for, in the table too.
func (s *State) limitTTL(ms uint32) {
	s.TTLMaxMs = ms
	s.Table.SetTTLMax(ms)
	s.TTLReason = fmt.Sprintf("no TTL may be longer than %d ms here, because a start after a crash waits that long for holders "+
		"(recovery-grace)", ms)
}

// A primary writes no image while nothing changes. So the image alone does not say how old the
// state of a backup can be. The primary answers each question with the time when its table was last
// known to be as in the newest image.

// know sets that time for the image that is being loaded. No other goroutine has the State yet.
func (s *State) know(at time.Time) {
	s.asOfFirst = int64(at.Sub(s.Started))
	s.asOf.Store(s.asOfFirst)
}

// confirm moves that time on, because the primary has said that the image is still the newest.
func (s *State) confirm(at time.Time) {
	s.asOf.Store(max(s.asOf.Load(), int64(at.Sub(s.Started))))
}

// Staleness returns for how long the primary's table may have been different from what is served.
func (s *State) Staleness() time.Duration {
	return max(0, time.Since(s.Started)-time.Duration(s.asOf.Load()))
}

// UnchangedMs returns for how long the image has been true since it was loaded. Its locks have been
// held longer than it says by that.
func (s *State) UnchangedMs() int64 {
	return (s.asOf.Load() - s.asOfFirst) / int64(time.Millisecond)
}

// LargestToken returns the largest token that a backup knows to have been possible.
func (s *State) LargestToken() codec.Token {
	return max(s.Start.TokenCeiling, s.Header.TokenCeiling)
}

// Origin says in words where the table comes from.
func (s *State) Origin() string {
	switch {
	case s.newDir:
		return "the directory is new: no lock is held"
	case s.From == "":
		return "nothing to recover: the last start left no image"
	case s.Grace == 0:
		return fmt.Sprintf("%d holds as they were at the clean stop, from %s", s.Holds, s.From)
	}
	age := s.Started.Sub(time.Unix(0, s.Header.WallTime))
	if age < 0 {
		return fmt.Sprintf("%d holds from %s, whose time is %s after this start: the wall clock was set back",
			s.Holds, s.From, clock.InWords(-age))
	}
	return fmt.Sprintf("%d holds from %s, begun %s before this start", s.Holds, s.From, clock.InWords(age))
}
