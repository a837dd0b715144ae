package observe

import (
	"testing"

	"dlm/codec"
	"dlm/table"
)

// TestLookingEndsNoLease: a hold whose lease is over is shown without a lease, until the server
// ends it.
func TestLookingEndsNoLease(t *testing.T) {
	c := newCrowd(0, 0)
	for mode, opts := range map[string]codec.Opts{"exclusive": 0, "shared": codec.OptShared} {
		cmd := codec.Command{Verb: codec.VerbAcquire, Opts: codec.OptTTL | opts, Name: []byte(mode), Service: []byte("svc"), TTLMs: 1000}
		hash := c.t.Hash(cmd.Name)
		s := c.t.Shard(hash)
		s.Lock()
		s.Apply(c.now, hash, &cmd, table.Origin{Conn: 1}, new(table.Effects))
		s.Unlock()
		c.now += 2000 * nsPerMs
		if v := c.observer().Lock(cmd.Name); len(v.Holds) != 1 || v.Holds[0].LeaseMs != 0 || v.Holds[0].HeldMs != 2000 || v.State != "held" || v.Mode != mode {
			t.Errorf("%+v", v)
		}
	}
	if held := c.t.Totals().Held; held != 2 {
		t.Errorf("%d locks are held", held)
	}
}
