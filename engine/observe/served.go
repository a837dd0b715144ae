package observe

import (
	"dlm/table"
)

// Served is the table that a question is answered from, at one moment.
type Served struct {
	Table *table.Table
	Now   int64 // table time of the lookup; in a backup that of its image, ns
	// UnchangedMs is for how long the image of a backup has been true since it was loaded. Its
	// locks have been held, and its requests have waited, longer than it says by that.
	UnchangedMs int64
	Backup      bool
	StaleMs     int64 // of a backup: for how long the primary may have differed
	Empty       bool  // a backup without an image: it knows no locks
}

// Sight says which names a visitor may see.
type Sight interface {
	MayUse(name []byte) bool
}
