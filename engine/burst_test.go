package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"dlm/engine/auth"
	"dlm/engine/durability"
	"dlm/internal/testflag"
)

// TestBurstsAnswerAsSingleCommands sends the same bytes, in the same reads, to two
// servers: one runs plain commands in bursts, the other one by one, because its
// connections may use only locks with a prefix, which is that of every name.
func TestBurstsAnswerAsSingleCommands(t *testing.T) {
	compareTwins(t, 200, 60, 300*time.Millisecond, func(rng *rand.Rand) (in string, cut int) {
		return randomPipeline(rng), 1 + rng.IntN(300)
	})
}

// compareTwins sends the same random input, in reads of cut bytes, to two servers of which one may
// not run several commands together, and compares what they answer and count.
func compareTwins(t *testing.T, worlds, steps int, pauseMax time.Duration, draw func(*rand.Rand) (in string, cut int)) {
	for seed := range testflag.Random(t, worlds) {
		rng := rand.New(rand.NewPCG(seed, 1))
		short, long := newTwin(t), newTwin(t, "")
		for step := range steps {
			to, pause := rng.IntN(3), time.Duration(rng.Int64N(int64(pauseMax)))
			in, cut := draw(rng)
			if got, want := short.step(to, in, cut, pause), long.step(to, in, cut, pause); got != want {
				t.Fatalf("seed %d, step %d, connection %d:\n%q\nthe short way:\n%q\nthe other:\n%q", seed, step, to, in, got, want)
			}
			if short.e.commandTotals() != long.e.commandTotals() {
				t.Fatalf("seed %d, step %d: counted otherwise", seed, step)
			}
		}
	}
}

// twin is a server with three connections that gives the same tokens as another.
type twin struct {
	*sim
	who     auth.Identity // of each connection
	clients [3]*client
}

// newTwin makes a twin whose connections have a token with these prefixes.
func newTwin(t *testing.T, prefixes ...string) *twin {
	s, err := startSim(t, Config{Loops: 2, Lease: time.Second}, nil, func(c durability.Config) (*durability.Store, error) {
		return durability.InMemory(c, 1, 1000), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &twin{sim: s}
	token := cred("twin", auth.RoleLock, "t-token", prefixes...)
	w.who, _ = auth.NewAuthority([]auth.Credential{token}, nil, "").Identify([]byte("t-token"))
	for i := range w.clients {
		w.clients[i] = w.dial(i % 2)
	}
	return w
}

// step sends the input in reads of cut bytes, lets time pass, and returns what
// all connections have received.
func (w *twin) step(to int, in string, cut int, pause time.Duration) (got string) {
	if w.clients[to].gone {
		w.clients[to] = w.dial(to % 2)
	}
	for len(in) > 0 && !w.clients[to].gone {
		n := min(len(in), cut)
		w.clients[to].c.who = w.who // RESET has taken it off
		w.clients[to].send(in[:n])
		in = in[n:]
	}
	w.advance(pause)
	for _, k := range w.clients {
		got += k.reads() + "|"
	}
	return got
}

// randomPipeline returns some commands, plain ones most of the time.
func randomPipeline(rng *rand.Rand) string {
	var b strings.Builder
	tags := rng.IntN(2) * (1 + rng.IntN(1000)) // 0: most commands have none
	for range 1 + rng.IntN(40) {
		lock, service := fmt.Sprint("lock-", rng.IntN(4)), fmt.Sprint("s", rng.IntN(3))
		form := rng.IntN(24)
		if form > 5 && tags > 0 && rng.IntN(2) == 0 {
			tags++
			fmt.Fprintf(&b, "@%d ", tags-rng.IntN(2)) // rising, mostly; some twice
		}
		switch form {
		case 0:
			fmt.Fprintf(&b, "ACQUIRE %s %s %d\n", lock, service, rng.IntN(200))
		case 1:
			tag := tags + 1
			if tags == 0 || rng.IntN(10) == 0 {
				tag = rng.IntN(1e6)
			}
			for range 1 + rng.IntN(3) {
				fmt.Fprintf(&b, "@%d ACQUIRE %s %s %d\n", tag, lock, service, rng.IntN(200))
				tag, tags = tag+1-rng.IntN(20)/19, tags+min(tags, 2)
			}
		case 2:
			fmt.Fprintf(&b, "HEARTBEAT %s %s TTL %d\n", lock, service, 1+rng.IntN(40_000))
		case 3:
			b.WriteString([]string{"PING\n", "NOPE\n", "\r\n", "RELEASE \"" + lock + "\" " + service + "\n", "RESET\n", "DETAIL ON\n", "STATUS " + lock + "\n"}[rng.IntN(7)])
		case 4:
			fmt.Fprintf(&b, "*4\r\n$7\r\nACQUIRE\r\n$6\r\n%s\r\n$2\r\n%s\r\n$1\r\n0\r\n", lock, service)
		case 5:
			fmt.Fprintf(&b, "*3\r\n$7\r\nRELEASE\r\n$6\r\n%s\r\n$2\r\n%s\r\n", lock, service)
		case 6, 7, 8, 9:
			fmt.Fprintf(&b, "HEARTBEAT %s %s\n", lock, service)
		case 10, 11, 12, 13, 14, 15:
			fmt.Fprintf(&b, "RELEASE %s %s\n", lock, service)
		default:
			fmt.Fprintf(&b, "ACQUIRE %s %s 0\n", lock, service)
		}
	}
	return b.String()
}
