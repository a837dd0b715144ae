package observe

import (
	"context"
	"fmt"
	"testing"

	"dlm/codec"
	"dlm/table"
)

// manyHolders is more than the look at deadlocks follows within one hold of a shard's mutex.
const manyHolders = 3000

// TestLocksWithManyHolders has a lock with more holders than one look at records takes. Service x
// waits for it and holds another, for which holders wait.
func TestLocksWithManyHolders(t *testing.T) {
	for _, c := range []struct {
		name    string
		opts    codec.Opts
		waiting int // of the holders, those that wait for the lock of x
		cycles  bool
	}{
		{"one holder of a shared lock waits", codec.OptShared, 1, true},
		{"no holder of a shared lock waits", codec.OptShared, 0, false},
		{"all holders of a shared lock wait", codec.OptShared, manyHolders, true},
		{"all holders of a semaphore wait", codec.OptPermits, manyHolders, true},
		{"one holder of a semaphore goes on", codec.OptPermits, manyHolders - 1, false},
	} {
		w := newCrowd(0, 0)
		ask := func(lock, service string, opts codec.Opts, waitMs uint32) {
			cmd := codec.Command{Verb: codec.VerbAcquire, Opts: opts, Name: []byte(lock), Service: []byte(service), WaitMs: waitMs, Permits: uint32(manyHolders)}
			hash := w.t.Hash(cmd.Name)
			if r := w.t.Shard(hash).Apply(w.now, hash, &cmd, table.Origin{Conn: 1}, new(table.Effects)); r.Code != codec.OK || r.Waiting != (waitMs > 0) {
				t.Fatalf("%s: %s for %s: %v", c.name, lock, service, r.Code)
			}
		}
		ask("own", "x", 0, 0)
		for i := range manyHolders {
			ask("many", fmt.Sprint("h", i), c.opts, 0)
		}
		ask("many", "x", c.opts&codec.OptPermits, 3_600_000)
		for i := range c.waiting {
			ask("own", fmt.Sprint("h", i), 0, 3_600_000)
		}
		w.now += 5000 * nsPerMs
		o := w.observer()
		d := o.Deadlocks(context.Background(), all{})
		if (len(d.Rows) > 0) != c.cycles || d.Truncated {
			t.Errorf("%s: %d rows, truncated %v", c.name, len(d.Rows), d.Truncated)
		}
		if c.cycles && (len(d.Rows) != 2 || string(d.Rows[1].Service) != "x" || string(d.Rows[0].Holder) != "x" || string(d.Rows[1].Lock) != "many") {
			t.Errorf("%s: %+v", c.name, d.Rows)
		}
		for _, row := range o.Top(context.Background(), ByWait, 10, all{}).Rows {
			if string(row.Lock) == "many" && (row.Holders != manyHolders || row.Waiters != 1 || row.WaitedMs != 5000) {
				t.Errorf("%s: %+v", c.name, row)
			}
		}
		if page := o.Locks(&LocksQuery{Limit: 10, Filter: table.Filter{Contended: true}, Sight: all{}}); len(page.Rows) != 1+min(1, c.waiting) {
			t.Errorf("%s: %d contended locks", c.name, len(page.Rows))
		}
		own := o.Owner([]byte("h2999"), 10, "", all{})
		if len(own.Rows) != 1+c.waiting/manyHolders {
			t.Errorf("%s: h2999 has %+v", c.name, own.Rows)
		}
	}
}
