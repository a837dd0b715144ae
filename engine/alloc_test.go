package engine

import (
	"testing"
	"time"

	"dlm/internal/testflag"
)

// sink is a connection that counts what is written to it and keeps nothing.
type sink struct{ n int }

func (k *sink) Write(p []byte) (int, error) { k.n += len(p); return len(p), nil }
func (k *sink) Await()                      {}
func (k *sink) AwaitFailure()               {}
func (k *sink) Untransmitted() int          { return 0 }
func (k *sink) Failure() error              { return nil }
func (k *sink) SilentFor() time.Duration    { return 0 }
func (k *sink) Unacked() (int, bool)        { return 0, true }
func (k *sink) Ended() bool                 { return false }
func (k *sink) StopReading(bool) bool       { return true }
func (k *sink) Finish()                     {}
func (k *sink) Close()                      {}
func (k *sink) Remote() string              { return "" }

func TestNoAllocationPerCommand(t *testing.T) {
	if testflag.Checked {
		t.Skip("the race detector and the invariants allocate")
	}
	for name, batch := range map[string]string{
		"a pair":          "ACQUIRE lock:000000001234 svc-1 0\nRELEASE lock:000000001234 svc-1\n",
		"a pair in RESP":  "*4\r\n$7\r\nACQUIRE\r\n$4\r\nlock\r\n$1\r\ns\r\n$1\r\n0\r\n*3\r\n$7\r\nRELEASE\r\n$4\r\nlock\r\n$1\r\ns\r\n",
		"heartbeats":      "HEARTBEAT kept svc-1\nHEARTBEAT kept svc-1 TTL 5000\n",
		"refusals":        "ACQUIRE kept other 0\nACQUIRE kept svc-1 0 FRESH\nACQUIRE kept other 9 QUEUE 0\nRELEASE kept other\nRELEASE nope other\nHEARTBEAT kept other\n",
		"a tag":           "@t ACQUIRE x svc-1 0\n@t RELEASE x svc-1\n",
		"status":          "STATUS kept\nSTATUS nope\nPING\n",
		"quoted words":    `ACQUIRE "a \"b\"" svc-1 0` + "\n" + `RELEASE "a \"b\"" svc-1` + "\n",
		"malformed input": "NOPE\nACQUIRE\nACQUIRE x y z\n\"\nACQUIRE x y 0 TTL 1\n",
		"a wait granted":  "ACQUIRE w A 0\n@1 ACQUIRE w B 1000\nRELEASE w A\nRELEASE w B\n",
		"commands kept":   "ACQUIRE w A 0\nACQUIRE w B 1000\nHEARTBEAT kept svc-1\nRELEASE w B\n@r RELEASE w A\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, nil)
			s.dial(0).do("ACQUIRE kept svc-1 0", "OK")
			k := &sink{}
			r := s.e.reactors[0]
			c := r.open(k)
			in := []byte(batch)
			for range 100 { // let every buffer and slab find its size
				r.feed(c, in)
			}
			if n := testing.AllocsPerRun(1000, func() { r.feed(c, in) }); n != 0 {
				t.Fatalf("%v allocations per batch", n)
			}
			if k.n == 0 {
				t.Fatal("nothing was answered")
			}
		})
	}
}

func TestNoAllocationPerHandOff(t *testing.T) {
	if testflag.Checked {
		t.Skip("the race detector and the invariants allocate")
	}
	for name, loop := range map[string]int{"on one loop": 0, "across loops": 1} {
		t.Run(name, func(t *testing.T) {
			s := newSim(t, nil)
			k := &sink{}
			holder, waiter := s.e.reactors[0], s.e.reactors[loop]
			a, b := holder.open(k), waiter.open(k)
			take, wait := []byte("ACQUIRE w A 0\n"), []byte("@1 ACQUIRE w B 1000\nACQUIRE w B 1000\n")
			give, back := []byte("RELEASE w A\n"), []byte("RELEASE w B\nRELEASE w B\n")
			round := func() {
				holder.feed(a, take)
				waiter.feed(b, wait)
				holder.feed(a, give)
				for len(s.due) > 0 {
					r := s.due[0]
					s.due = s.due[:0]
					r.drainInbox()
				}
				for len(s.asks) > 0 {
					r := s.asks[0]
					s.asks = s.asks[:0]
					r.polled()
				}
				waiter.feed(b, back)
			}
			for range 100 {
				round()
			}
			if n := testing.AllocsPerRun(1000, round); n != 0 {
				t.Fatalf("%v allocations per hand-off", n)
			}
			if k.n != 1100*len("OK\n@1 OK\nOK\nOK\nOK\nOK\n") && k.n != 1101*len("OK\n@1 OK\nOK\nOK\nOK\nOK\n") {
				t.Fatalf("%d bytes answered", k.n)
			}
		})
	}
}
