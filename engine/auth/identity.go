package auth

import (
	"crypto/sha256"
	"slices"
)

// Identity is what a connection has shown itself to be. The zero value has no rights.
type Identity struct {
	Name string // of the credential; empty: none was needed
	Role Role
	// ConnsMax is the most connections that have shown the token; 0: no bound.
	ConnsMax int
	// Counted says that the identity can act for services with a quota of locks or waiters.
	Counted bool
	bounds  *Bounds            // nil: none
	token   *[sha256.Size]byte // hash of the token that it has shown; nil: none
}

// unbound are the bounds of an identity without any.
var unbound Bounds

// Bounds returns what narrows the identity. Do not modify it.
func (id *Identity) Bounds() *Bounds {
	if id.bounds == nil {
		return &unbound
	}
	return id.bounds
}

// Unbound reports whether the identity may do what its role allows with every lock, in the name of
// every service, without a token, and without a count of it.
func (id *Identity) Unbound() bool { return id.bounds == nil && !id.Counted }

// AllNames reports whether the identity may touch locks of any name.
func (id *Identity) AllNames() bool { return len(id.Bounds().Prefixes) == 0 }

// MayUse reports whether the identity may touch a lock of that name.
func (id *Identity) MayUse(name []byte) bool { return beginsWithAny(name, id.Bounds().Prefixes) }

// MayActAs reports whether the identity may acquire, renew and release in the name of that service.
func (id *Identity) MayActAs(service []byte) bool {
	return beginsWithAny(service, id.Bounds().Services)
}

// NeedsToken reports whether the identity has to name a hold by its token to renew or release it.
func (id *Identity) NeedsToken() bool { return id.Bounds().RequireToken }

// NarrowedTo reports whether id may do something that other may not.
func (id *Identity) NarrowedTo(other *Identity) bool {
	from, to := id.Bounds(), other.Bounds()
	return !other.Role.Covers(id.Role) || narrowed(from.Prefixes, to.Prefixes) ||
		narrowed(from.Services, to.Services) || to.RequireToken && !from.RequireToken
}

// narrowed reports whether some string begins with one of from and with none of to.
func narrowed(from, to []string) bool {
	if len(from) == 0 {
		return len(to) > 0
	}
	return slices.ContainsFunc(from, func(p string) bool { return !beginsWithAny(p, to) })
}

// beginsWithAny reports whether s begins with one of the prefixes, or there are none.
func beginsWithAny[T string | []byte](s T, prefixes []string) bool {
	for _, p := range prefixes {
		if len(s) >= len(p) && string(s[:len(p)]) == p {
			return true
		}
	}
	return len(prefixes) == 0
}
