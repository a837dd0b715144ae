package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
)

// Authority knows the credentials of one configuration. It is immutable. Any goroutine may use it.
type Authority struct {
	creds      []Credential
	adminToken *[sha256.Size]byte        // hash of the admin token; nil: there is none
	adminName  string                    // of adminToken, for logs
	byHash     map[[sha256.Size]byte]int // index in creds of a token that has been shown before
	quotas     []ServiceQuota
}

// NewAuthority returns the authority for credentials that Validate has found to be good.
// adminToken is the hash of a token of RoleAdmin, or nil. adminName names it in logs.
func NewAuthority(creds []Credential, adminToken *[sha256.Size]byte, adminName string) *Authority {
	a := &Authority{creds: creds, adminToken: adminToken, adminName: adminName,
		byHash: make(map[[sha256.Size]byte]int, len(creds)), quotas: ServiceQuotas(creds)}
	for i := range creds {
		a.byHash[creds[i].SHA256] = i
	}
	return a
}

// Required reports whether a connection must authenticate before anything else.
func (a *Authority) Required() bool { return len(a.creds) > 0 }

// KnowsTokens reports whether any token would be accepted.
func (a *Authority) KnowsTokens() bool { return a.Required() || a.adminToken != nil }

// Anonymous returns the identity of a connection that has not authenticated.
func (a *Authority) Anonymous() Identity {
	if a.Required() {
		return Identity{Role: RoleNone}
	}
	return Identity{Role: RoleLock}
}

// Identify returns the identity that the token stands for; false if the token is not known.
// It compares the token with every known hash in constant time, because the time that it takes
// must tell nothing about the hashes.
func (a *Authority) Identify(token []byte) (Identity, bool) {
	sum := sha256.Sum256(token)
	var id Identity
	found := false
	for i := range a.creds {
		c := &a.creds[i]
		if c.SAN != "" {
			continue
		}
		if subtle.ConstantTimeCompare(sum[:], c.SHA256[:]) == 1 {
			id, found = a.identityOf(c), true
		}
	}
	if a.adminToken != nil && subtle.ConstantTimeCompare(sum[:], a.adminToken[:]) == 1 {
		id, found = a.admin(), true
	}
	return id, found
}

// OfCertificate returns the identity of a client that has shown a certificate with these names and
// no token. If several of its names are known, the first credential counts. A certificate without a
// known name is no credential.
func (a *Authority) OfCertificate(names []string) Identity {
	if len(names) > 0 {
		for i := range a.creds {
			if c := &a.creds[i]; c.SAN != "" && slices.Contains(names, c.SAN) {
				return a.identityOf(c)
			}
		}
	}
	return a.Anonymous()
}

// Current returns the identity that a connection with this one has under these credentials; false
// if its token is not known any more. names are those of its certificate.
func (a *Authority) Current(id *Identity, names []string) (Identity, bool) {
	switch {
	case id.token == nil:
		return a.OfCertificate(names), true
	case a.adminToken != nil && *id.token == *a.adminToken:
		return a.admin(), true
	}
	i, ok := a.byHash[*id.token]
	if !ok {
		return Identity{}, false
	}
	return a.identityOf(&a.creds[i]), true
}

// Quotas returns the quotas of services. Do not modify them.
func (a *Authority) Quotas() []ServiceQuota { return a.quotas }

// identityOf returns the identity of a connection that has shown the token of a credential.
func (a *Authority) identityOf(c *Credential) Identity {
	id := c.identity()
	id.Counted = slices.ContainsFunc(a.quotas, func(q ServiceQuota) bool {
		return len(c.Services) == 0 || overlap(c.Services, q.Services)
	})
	return id
}

// admin returns the identity of the admin token.
func (a *Authority) admin() Identity {
	return Identity{Name: a.adminName, Role: RoleAdmin, Counted: len(a.quotas) > 0, token: a.adminToken}
}
