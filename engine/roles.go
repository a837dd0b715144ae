package engine

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

// Role says what a connection may do.
type Role uint8

const (
	RoleNone   Role = iota // not authenticated
	RoleRead               // STATUS, LOCKS, INFO
	RoleLock               // RoleRead and ACQUIRE, RELEASE, HEARTBEAT
	RoleAdmin              // RoleLock and FORCE-RELEASE
	RoleBackup             // may fetch images, nothing else
)

var roleWords = []string{"none", "read", "lock", "admin", "backup"}

func (r Role) String() string { return roleWords[r] }

// ParseRole returns the role of that name: read, lock, admin or backup.
func ParseRole(s string) (Role, error) {
	for r, word := range roleWords {
		if s == word && Role(r) != RoleNone {
			return Role(r), nil
		}
	}
	return RoleNone, fmt.Errorf("role %q is not one of read, lock, admin, backup", s)
}

// Credential is one known token: its name for the log, its role and its hash.
// The token itself is never kept.
type Credential struct {
	Name     string
	Role     Role
	SHA256   [sha256.Size]byte
	Prefixes []string // role lock only: the names it may use start with one of these; empty: all
}

// validateCredentials returns a problem per credential that can't be used.
func validateCredentials(creds []Credential) (errs []error) {
	names := map[string]bool{}
	hashes := map[[sha256.Size]byte]string{}
	for i, c := range creds {
		switch other, twice := hashes[c.SHA256]; {
		case c.Name == "":
			errs = append(errs, fmt.Errorf("token %d has no name", i+1))
		case names[c.Name]:
			errs = append(errs, fmt.Errorf("token name %q is used twice", c.Name))
		case twice:
			errs = append(errs, fmt.Errorf("tokens %q and %q have the same sha256", other, c.Name))
		case len(c.Prefixes) > 0 && c.Role != RoleLock:
			errs = append(errs, fmt.Errorf("token %q: prefixes go with role lock only", c.Name))
		}
		names[c.Name], hashes[c.SHA256] = true, c.Name
	}
	return errs
}

// identity is what a connection has shown itself to be.
type identity struct {
	name     string // of the credential; empty: none was needed
	role     Role
	prefixes [][]byte
	token    *[sha256.Size]byte // hash of the token that it has shown; nil: none
}

// mayUse tells whether the identity may touch a lock of that name.
func (id *identity) mayUse(name []byte) bool {
	if len(id.prefixes) == 0 {
		return true
	}
	for _, p := range id.prefixes {
		if bytes.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// authority knows the credentials of one configuration. Immutable.
type authority struct {
	creds      []Credential
	adminToken *[sha256.Size]byte
	adminName  string                    // of adminToken, for logs
	byHash     map[[sha256.Size]byte]int // index in creds, to look up a token that has been shown
}

func newAuthority(creds []Credential, adminToken *[sha256.Size]byte, adminName string) *authority {
	a := &authority{creds: creds, adminToken: adminToken, adminName: adminName, byHash: make(map[[sha256.Size]byte]int, len(creds))}
	for i := range creds {
		a.byHash[creds[i].SHA256] = i
	}
	return a
}

// required tells whether a connection must authenticate before anything else.
func (a *authority) required() bool { return len(a.creds) > 0 }

// anonymous is what a connection is before it has authenticated.
func (a *authority) anonymous() identity {
	if a.required() {
		return identity{role: RoleNone}
	}
	return identity{role: RoleLock}
}

// identify returns who presents the token. Every known hash is compared, each
// in constant time, so that the time taken tells nothing about them.
func (a *authority) identify(token []byte) (identity, bool) {
	sum := sha256.Sum256(token)
	var id identity
	found := false
	for i := range a.creds {
		c := &a.creds[i]
		if subtle.ConstantTimeCompare(sum[:], c.SHA256[:]) == 1 {
			id, found = c.identity(), true
		}
	}
	if a.adminToken != nil && subtle.ConstantTimeCompare(sum[:], a.adminToken[:]) == 1 {
		id, found = identity{name: a.adminName, role: RoleAdmin, token: a.adminToken}, true
	}
	return id, found
}
