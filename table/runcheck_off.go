//go:build !invariants

package table

import "dlm/codec"

// runCheck checks what run has done without the general rules; only under the build tag invariants.
type runCheck struct{}

func (s *Shard) beforeRun(*Batch, *codec.LockCommand) runCheck { return runCheck{} }

func (runCheck) after(*Shard, *codec.GrantReply) {}
