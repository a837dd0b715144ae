//go:build race || invariants

package engine

// checked tells that the build checks more and allocates for it.
const checked = true
