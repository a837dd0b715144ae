package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Quota bounds what the clients of a token may use. The zero value bounds nothing. Locks and
// waiting requests are counted by the services of the token, so that a count needs no memory in a
// lock, and can be made anew after a restart.
type Quota struct {
	Locks   int // most holds of its services; 0: no bound
	Waiters int // most waiting requests of its services; 0: no bound
	Conns   int // most connections that have shown the token; 0: no bound
}

// OfServices reports whether the quota counts what services do.
func (q Quota) OfServices() bool { return q.Locks > 0 || q.Waiters > 0 }

// ServiceQuota is the quota of all services that begin with one of some prefixes.
type ServiceQuota struct {
	Name     string // of the first token that has it
	Services []string
	Quota
}

// ServiceQuotas returns the quotas of services. Tokens with the same services share one.
func ServiceQuotas(creds []Credential) (list []ServiceQuota) {
	for i := range creds {
		c := &creds[i]
		same := func(q ServiceQuota) bool { return sameStrings(q.Services, c.Services) }
		if c.Quota.OfServices() && !slices.ContainsFunc(list, same) {
			list = append(list, ServiceQuota{c.Name, c.Services, c.Quota})
		}
	}
	return list
}

// validateQuotas returns a problem for each quota that can't be counted.
func validateQuotas(creds []Credential) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for i := range creds {
		c := &creds[i]
		switch {
		case c.Locks < 0 || c.Waiters < 0 || c.Conns < 0:
			bad("token %q: a quota is below zero", c.Name)
		case c.Quota.OfServices() && len(c.Services) == 0:
			bad("token %q: locks and waiters need services: holds are counted by the service", c.Name)
		}
		if !c.Quota.OfServices() {
			continue
		}
		for j := range i {
			o := &creds[j]
			if !o.Quota.OfServices() || !overlap(o.Services, c.Services) {
				continue
			}
			if !sameStrings(o.Services, c.Services) {
				bad("tokens %q and %q have quotas, and services of both begin alike: a hold could count twice", o.Name, c.Name)
			} else if o.Locks != c.Locks || o.Waiters != c.Waiters {
				bad("tokens %q and %q have the same services, and other quotas for them", o.Name, c.Name)
			}
		}
	}
	return errs
}

// overlap reports whether a string can begin with one of a and with one of b.
func overlap(a, b []string) bool {
	for _, p := range a {
		for _, q := range b {
			if strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return true
			}
		}
	}
	return false
}

func sameStrings(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
