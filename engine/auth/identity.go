package auth

import (
	"bytes"
	"crypto/sha256"
)

// Identity is what a connection has shown itself to be. The zero value has no rights.
type Identity struct {
	Name     string // of the credential; empty: none was needed
	Role     Role
	prefixes [][]byte           // of the lock names that it may use; empty: all names
	token    *[sha256.Size]byte // hash of the token that it has shown; nil: none
}

// AllNames reports whether the identity may touch locks of any name.
func (id *Identity) AllNames() bool { return len(id.prefixes) == 0 }

// MayUse reports whether the identity may touch a lock of that name.
func (id *Identity) MayUse(name []byte) bool {
	if id.AllNames() {
		return true
	}
	for _, p := range id.prefixes {
		if bytes.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// NarrowedTo reports whether id may do something that other may not.
func (id *Identity) NarrowedTo(other *Identity) bool {
	if !other.Role.Covers(id.Role) {
		return true
	}
	if id.AllNames() {
		return !other.AllNames()
	}
	for _, p := range id.prefixes {
		if !other.MayUse(p) {
			return true
		}
	}
	return false
}
