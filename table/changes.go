package table

// Changes returns a number that rises with every change that a start after a crash relies on: the
// set of holds, their tokens, counts, lengths of lease, owners and META. While the number stays the
// same, and the grace of the shard is over, an old image of the shard is as good as a new one. In a
// grace the number has no meaning, because confirmed holds and ended graces are not counted.
//
// Renewals are not counted, because a start after a crash gives every hold its full lease. Only the
// image of a clean stop has what was left of leases, and that image is always written.
//
// To add a kind of change, count it in Counts or in amended.
func (s *Shard) Changes() uint64 {
	c := &s.counts
	return c.Grants + c.Releases + c.Reentries + c.Expiries + c.Forced + c.TakeBacks + c.Claims + c.Upgrades + c.Downgrades + uint64(s.amended)
}
