//go:build !invariants

package codec

// checker is the state of checkQuick, which needs none in this build.
type checker struct{}

// checkQuick does something only under the build tag invariants.
func (d *Decoder) checkQuick([]byte, uint, uint, *LockCommand) { _ = d.checker }
