package engine

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"dlm/engine/auth"
)

// withQuotas sets tokens of which one has quotas.
func withQuotas(c *Config) {
	withTokens(c)
	c.Credentials = append(c.Credentials, quotaCred(2, 1, 2))
}

func quotaCred(locks, waiters, conns int) auth.Credential {
	return auth.Credential{Name: "tenant", Role: auth.RoleLock, SHA256: sha256.Sum256([]byte("q-token")),
		Bounds: auth.Bounds{Services: []string{"tenant-"}}, Quota: auth.Quota{Locks: locks, Waiters: waiters, Conns: conns}}
}

const quotaReached = "ERROR LIMIT quota the services of this token hold or wait for as much as they may: nothing was changed"

// TestQuotaOfConnections counts connections over wrong, repeated and other tokens, RESET, closes,
// and tokens that change.
func TestQuotaOfConnections(t *testing.T) {
	s := newSim(t, withQuotas)
	a, b, c := s.dial(0), s.dial(1), s.dial(0)
	const full = "ERROR LIMIT quota this token has as many connections as it may have"
	a.do("AUTH q-token", "OK")
	a.do("AUTH q-token", "OK")
	b.do("AUTH q-token", "OK")
	c.do("AUTH q-token", full)
	c.do("PING", noAuth)
	a.do("AUTH l-token", "OK")
	c.do("AUTH q-token", "OK")
	a.do("AUTH q-token", full)
	a.do("ACQUIRE x stays-a-worker 0", "OK")
	b.send(lineArray("RESET"))
	b.reads()
	a.do("AUTH q-token", "OK")
	b.do("AUTH q-token", full)
	a.hangUp()
	b.do("AUTH q-token", "OK")

	withNone := quotaCred(0, 0, 0)
	s.setTokens(withNone)
	d, e := s.dial(0), s.dial(1)
	d.do("AUTH q-token", "OK")
	s.setTokens(quotaCred(0, 0, 3))
	e.do("AUTH q-token", full)
	d.hangUp()
	e.do("AUTH q-token", "OK")
	for _, k := range []*client{b, c, e} {
		k.hangUp()
	}
	if n := len(s.e.connQuotas.open); n != 0 {
		t.Errorf("%d tokens have connections: %v", n, s.e.connQuotas.open)
	}
}

// TestQuotaOfConnectionsOfACertificate: the connection beyond it is told so when it speaks, in its
// form, and takes no place of others.
func TestQuotaOfConnectionsOfACertificate(t *testing.T) {
	web := auth.Credential{Name: "web", Role: auth.RoleLock, SAN: "DNS:web", SHA256: auth.CertificateKey("DNS:web"), Quota: auth.Quota{Conns: 2}}
	s := newSim(t, func(c *Config) { withTokens(c); c.Credentials = append(c.Credentials, web) })
	dial := func(loop int) *client {
		s.e.claimOrdinary(viaTCP)
		k := s.dialAs(loop, arrival{from: auth.NoAddress, names: []string{"DNS:web"}})
		s.settle()
		return k
	}
	const full = "ERROR LIMIT quota this certificate has as many connections as it may have"
	a, b, c := dial(0), dial(1), dial(0)
	a.do("ACQUIRE x svc 0", "OK")
	b.do("PING", "OK")
	if ordinary, turned := s.e.conns.Load(), s.e.places.turned.Load(); ordinary != 2 || turned != 1 {
		t.Errorf("%d ordinary connections, %d turned away", ordinary, turned)
	}
	c.do("RELEASE x svc", full)
	if !c.c.closing {
		t.Error("it is not closed")
	}
	d := dial(1)
	d.send(lineArray("PING"))
	if got := d.reads(); !strings.HasPrefix(got, "-LIMIT quota ") {
		t.Errorf("%q", got)
	}
	a.hangUp()
	e := dial(0)
	e.do("RELEASE x svc", "OK")
	e.do("AUTH l-token", "OK") // it leaves the quota, and RESET would bring it back
	f := dial(1)
	f.do("PING", "OK")
	e.send(lineArray("RESET"))
	if got := e.reads(); !strings.HasPrefix(got, "-LIMIT quota ") {
		t.Errorf("%q", got)
	}
	for _, k := range []*client{b, c, d, e, f} {
		k.hangUp()
	}
	if ordinary, turned := s.e.conns.Load(), s.e.places.turned.Load(); ordinary != 0 || turned != 0 || len(s.e.connQuotas.open) != 0 {
		t.Errorf("at the end: %d and %d connections, quotas %v", ordinary, turned, s.e.connQuotas.open)
	}
}

// TestQuotasChangeWithTokens: the present holds count when a quota comes, also those of others in
// the names of its services.
func TestQuotasChangeWithTokens(t *testing.T) {
	s := newSim(t, withTokens)
	worker := s.dial(0)
	worker.do("AUTH l-token", "OK")
	for i := range 3 {
		worker.do(fmt.Sprintf("ACQUIRE w%d tenant-%d 0", i, i), "OK")
	}
	s.setTokens(cred("worker", auth.RoleLock, "l-token"), quotaCred(4, 1, 0))
	s.e.applyQuotas()
	k := s.dial(1)
	k.do("AUTH q-token", "OK")
	k.do("ACQUIRE a tenant-a 0", "OK")
	k.do("ACQUIRE b tenant-b 0", quotaReached)
	worker.do("ACQUIRE b tenant-9 0", quotaReached)
	worker.do("ACQUIRE b other 0", "OK")
	worker.do("RELEASE w0 tenant-0", "OK")
	k.do("ACQUIRE c tenant-c 0", "OK")
	if holds, _ := s.e.tab().QuotaUse("tenant-"); holds != 4 {
		t.Errorf("%d holds are counted", holds)
	}
	s.setTokens(cred("worker", auth.RoleLock, "l-token"))
	s.e.applyQuotas()
	worker.do("ACQUIRE d tenant-9 0", "OK")
}
