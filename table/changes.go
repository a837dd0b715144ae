package table

// Changes returns a number that rises whenever something has changed that a start after a crash
// relies on: which holds there are, and their tokens, counts, lengths of lease, owners and META.
// While it is the same, and the grace of the shard is over, an image of the shard is as good as
// a new one. In a grace it says nothing: holds are shown and settled there without being counted.
//
// Renewals are left out, because every hold of an image comes back with its full lease. Only the
// image of a clean stop tells how much was left, and that one is always written.
//
// To add a kind of change, count it in Counts or in amended.
func (s *Shard) Changes() uint64 {
	c := &s.counts
	return c.Grants + c.Releases + c.Reentries + c.Expiries + c.Forced + c.TakeBacks + c.Claims + uint64(s.amended)
}
