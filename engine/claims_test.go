package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTTLBeyondGrace(t *testing.T) {
	s := mustStart(t, t.TempDir(), nil)
	s.want("ACQUIRE a svc 0 TTL 20001", "ERROR BADARG no TTL may be longer than 20000 ms")
	if info := s.ask("INFO server"); !strings.Contains(info, "ttl_max_ms:20000") {
		t.Errorf("INFO server: %s", info)
	}
	s.want("ACQUIRE a svc 0 TTL 20000", "OK")
	s.want("HEARTBEAT a svc TTL 20001", "ERROR BADARG")
	s.crash()
}

// TestTTLBeyondGraceBehindWait: a heartbeat that is executed when it is read has the same
// limit.
func TestTTLBeyondGraceBehindWait(t *testing.T) {
	s := mustStart(t, t.TempDir(), nil)
	s.want("ACQUIRE busy other 0", "OK")
	s.want("ACQUIRE a svc 0", "OK")
	k := s.dial(0)
	k.send("ACQUIRE busy svc 1000\nHEARTBEAT a svc TTL 20001\n")
	s.want("HEARTBEAT a svc", "OK token="+fmt.Sprint(tokenOf(t, s.ask("HEARTBEAT a svc")))+" count=1 lease_ms=10000")
	s.advance(1100 * time.Millisecond)
	if got := k.reads(); !strings.Contains(got, "BADARG") {
		t.Errorf("answered %q", got)
	}
	s.cleanStop()
}

// TestClaimWithItsTTL: a holder may repeat its TTL although the grace was made shorter, even if no
// image has the hold.
func TestClaimWithItsTTL(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	token := tokenOf(t, s.ask("ACQUIRE a svc 0 TTL 20000"))
	s.crash()
	s = mustStart(t, dir, func(c *Config) { c.RecoveryGrace, c.Lease = 2*time.Second, time.Second })
	s.want(fmt.Sprintf("HEARTBEAT a svc TOKEN %d TTL 20000", token), fmt.Sprintf("OK token=%d count=1 lease_ms=20000", token))
	s.crash()
}

// TestCountBehindWaitCountsOnce: in a grace a holder asks for one more count and shows its old
// one. Both are granted.
func TestCountBehindWaitCountsOnce(t *testing.T) {
	for _, form := range []string{
		"ACQUIRE x svc 3000\nHEARTBEAT x svc TOKEN %d COUNT 1\n",
		"*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$3\r\nsvc\r\n$4\r\n3000\r\n" +
			"*7\r\n$9\r\nHEARTBEAT\r\n$1\r\nx\r\n$3\r\nsvc\r\n$5\r\nTOKEN\r\n$16\r\n%d\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n",
	} {
		dir := t.TempDir()
		s := mustStart(t, dir, nil)
		token := tokenOf(t, s.ask("ACQUIRE x svc 0"))
		s.image()
		s.crash()
		s = mustStart(t, dir, nil)
		k := s.dial(0)
		k.send(fmt.Sprintf(form, token))
		if got := k.reads(); !strings.Contains(got, "OK\nOK\n") && strings.Count(got, "\r\n:2\r\n") != 2 {
			t.Errorf("answered %q", got)
		}
		s.want("STATUS x", fmt.Sprintf(`OK state=held mode=exclusive owner="svc" token=%d count=2`, token))
		s.crash()
	}
}

// TestCountBehindKeptReleases: a holder waits for another lock, releases a count and shows the
// remaining ones. The count must not be subtracted twice.
func TestCountBehindKeptReleases(t *testing.T) {
	for left := 1; left <= 2; left++ {
		dir := t.TempDir()
		s := mustStart(t, dir, nil)
		token := tokenOf(t, s.ask("ACQUIRE x svc 0"))
		s.image()
		s.crash()
		s = mustStart(t, dir, nil)
		k := s.dial(0)
		k.do("DETAIL ON", "OK")
		k.send(fmt.Sprintf("ACQUIRE y svc 3000\nRELEASE z svc\nRELEASE x svc\nHEARTBEAT x svc TOKEN %d COUNT %d\nRELEASE x other\nRELEASE x svc\nHEARTBEAT x svc TOKEN %d COUNT %d\n",
			token, left+1, token, left))
		s.want("STATUS x", fmt.Sprintf(`OK state=held mode=exclusive owner="svc" token=%d count=%d`, token, left+2))
		s.advance(3500 * time.Millisecond)
		if got := k.reads(); !strings.Contains(got, fmt.Sprintf("count=%d lease_ms=10000\n", left+1)) ||
			!strings.HasSuffix(got, fmt.Sprintf("count=%d lease_ms=10000\n", left)) {
			t.Errorf("answered %q", got)
		}
		s.want("STATUS x", fmt.Sprintf(`OK state=held mode=exclusive owner="svc" token=%d count=%d`, token, left))
		s.crash()
	}
}

// TestClaimsPassLimitOfLocks that other requests have used up.
func TestClaimsPassLimitOfLocks(t *testing.T) {
	dir := t.TempDir()
	few := func(c *Config) { c.LocksMax = 3 }
	s := mustStart(t, dir, few)
	token := tokenOf(t, s.ask("ACQUIRE x svc 0"))
	s.crash()
	s = mustStart(t, dir, few)
	for i := range 3 {
		s.dial(0).send(fmt.Sprintf("ACQUIRE other-%d svc 1000\n", i))
	}
	s.want("ACQUIRE one-more svc 1000", "ERROR LIMIT")
	s.want(fmt.Sprintf("HEARTBEAT x svc TOKEN %d", token), fmt.Sprintf("OK token=%d count=1", token))
	s.want("RELEASE x svc", fmt.Sprintf("OK token=%d count=0", token))
	s.crash()
}

// TestKeptReleasesAreAccounted: in a grace each kept RELEASE is remembered, which is memory of its
// connection.
func TestKeptReleasesAreAccounted(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.ask("ACQUIRE x svc 0")
	s.image()
	s.crash()
	s = mustStart(t, dir, nil)
	k := s.dial(0)
	var lines strings.Builder
	const n = 1000
	for i := range n {
		fmt.Fprintf(&lines, "RELEASE l%d s\n", i)
	}
	k.send("ACQUIRE x other 3000\n" + lines.String())
	kept := int64(bufferCap(k.c.pending.kept))
	if got := s.e.buffers.total.Load(); got != kept+n*releasedBytes {
		t.Errorf("%d bytes, of which %d are kept input", got, kept)
	}
	s.crash()
}
