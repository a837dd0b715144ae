package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestSingleCommandsAnswerAsOthers sends one command per read.
func TestSingleCommandsAnswerAsOthers(t *testing.T) {
	compareTwins(t, 100, 150, 30*time.Millisecond, func(rng *rand.Rand) (in string, cut int) {
		in = randomSingle(rng)
		return in, len(in)
	})
}

// randomSingle returns one command, a plain one most of the time, or a part of one.
func randomSingle(rng *rand.Rand) string {
	lock, service := fmt.Sprint("lock-", rng.IntN(4)), fmt.Sprint("s", rng.IntN(2))
	switch rng.IntN(20) {
	case 0:
		return fmt.Sprintf("@%d ACQUIRE %s %s 50\n", rng.IntN(4), lock, service)
	case 17:
		return fmt.Sprintf("@%d RELEASE %s %s\n", rng.IntN(4), lock, service)
	case 1:
		return []string{"PING\n", "NOPE\n", "RESET\n", "DETAIL ON\n", "HELLO 3\r\n", "STATUS ", "\r\n"}[rng.IntN(7)]
	case 2, 3:
		return fmt.Sprintf("ACQUIRE %s %s 40\n", lock, service)
	case 4, 5, 6:
		return fmt.Sprintf("*3\r\n$7\r\nRELEASE\r\n$6\r\n%s\r\n$2\r\n%s\r\n", lock, service)
	case 7, 8, 9:
		return fmt.Sprintf("*4\r\n$7\r\nACQUIRE\r\n$6\r\n%s\r\n$2\r\n%s\r\n$1\r\n0\r\n", lock, service)
	case 10, 11, 12:
		return fmt.Sprintf("HEARTBEAT %s %s\n", lock, service)
	case 13, 14, 15, 16:
		return fmt.Sprintf("RELEASE %s %s\r\n", lock, service)
	}
	return fmt.Sprintf("ACQUIRE %s %s 0\n", lock, service)
}

// TestSingleRepliesAreAccountedFor: the kernel takes one byte, or none, of the reply to a single
// command.
func TestSingleRepliesAreAccountedFor(t *testing.T) {
	for room := range 2 {
		s := newSim(t, nil)
		a := s.dial(0)
		a.stuck, a.room = true, room
		a.send("ACQUIRE x A 0\n")
		a.send("ACQUIRE y A 0\n")
		if got := s.e.buffers.total.Load(); got != int64(a.c.backlog.memory()) || got < chunkMin {
			t.Fatalf("%d bytes are accounted for, of %d", got, a.c.backlog.memory())
		}
		a.takes(100)
		a.expect("OK\nOK\n")
		if got := s.e.buffers.total.Load(); got != 0 {
			t.Fatalf("%d bytes are accounted for, of none", got)
		}
	}
}

// TestSingleCommandsSettleWhatIsDue is TestBusyLoopSettlesWhatIsDue for a loop that gets only
// single commands.
func TestSingleCommandsSettleWhatIsDue(t *testing.T) {
	s := newSim(t, nil)
	busy, other := s.dial(0), s.dial(1)
	busy.do("ACQUIRE x A 0", "OK")
	other.send("ACQUIRE x B 20\n")
	s.time += int64(20 * time.Millisecond)
	busy.do("HEARTBEAT x A", "OK")
	other.expect("ERROR TIMEOUT \"A\" 20 not granted within the wait timeout\n")
}

func TestSingleCommandWakesTicker(t *testing.T) {
	s := newSim(t, func(c *Config) { c.Lease = 100 * time.Millisecond })
	k := s.dial(0)
	s.e.wakeTimer.at.Store(int64(time.Hour)) // it sleeps for longer
	k.do("ACQUIRE x A 0", "OK")
	select {
	case <-s.e.wakeTimer.wake:
	default:
		t.Fatal("not rung for a lease that ends before the ticker wakes up")
	}
}

// TestFormOfSingleCommandIsThatOfLaterErrors: an error outside of any command has the form of
// the last command.
func TestFormOfSingleCommandIsThatOfLaterErrors(t *testing.T) {
	s := newSim(t, nil)
	k := s.dial(0)
	k.send("*4\r\n$7\r\nACQUIRE\r\n$1\r\nx\r\n$1\r\nA\r\n$1\r\n0\r\n")
	k.reads()
	k.r.evict(k.c.id)
	s.settle()
	k.expectPrefix("-LIMIT memory buffers of all connections")
}
