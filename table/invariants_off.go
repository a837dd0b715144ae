//go:build !invariants

package table

// checks is the state of verify, which needs none in this build.
type checks struct{}

const checkWords = 0 // size of checks

func noteHash() {}

func noteLock() {}

// verify checks the shard after a call; it does so only under the build tag invariants.
func (s *Shard) verify() { _ = s.checks }
