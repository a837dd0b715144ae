package engine

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndOfAConnectionEndsItsWaitsAndKeepsItsHolds(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\nACQUIRE y B 0\n@1 ACQUIRE x B1 1000\n")
	c.send("ACQUIRE x C 1000\n")
	b.hangUp()
	if !s.free("y") {
		t.Fatal("a command behind the wait of a lost connection was executed")
	}
	a.hangUp()
	c.expect("")
	s.advance(999 * time.Millisecond)
	c.expect("")
	s.advance(time.Millisecond)
	c.expectPrefix("ERROR TIMEOUT")
	if s.free("x") {
		t.Fatal("a hold ended with its connection")
	}
	s.advance(29001 * time.Millisecond)
	s.empty()
}

func TestAGrantToAConnectionThatIsGoneGoesToTheNext(t *testing.T) {
	s := newSim(t, nil)
	a, b, c := s.dial(0), s.dial(1), s.dial(0)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n")
	c.send("ACQUIRE x C 1000\n")
	s.hold = true
	a.do("RELEASE x A", "OK") // B is granted, and the message is on its way
	b.hangUp()
	s.deliver()
	b.expect("")
	c.expect("OK\n")
	c.do("RELEASE x C", "OK")
	s.empty()
	if n := s.e.tab().Totals().TakeBacks; n != 1 {
		t.Fatalf("%d take-backs", n)
	}
}

func TestAGrantIsNotDeliveredToASuccessorOfTheConnection(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	a.do("ACQUIRE x A 0", "OK")
	b.send("ACQUIRE x B 1000\n")
	s.hold = true
	a.do("RELEASE x A", "OK")
	b.hangUp()
	d := s.dial(1) // takes the place of b in the loop's list
	s.due = append(s.due, s.e.reactors[1])
	s.deliver()
	d.expect("")
	s.empty()
}

func TestAGrantPassesAConnectionWhoseEndIsNotReadYet(t *testing.T) {
	for _, wait := range []string{"@1 ACQUIRE x B 1000\n", "ACQUIRE x B 1000\nACQUIRE y B 0\n"} {
		s := newSim(t, nil)
		a, b, c := s.dial(0), s.dial(1), s.dial(1)
		a.do("ACQUIRE x A 0", "OK")
		b.send(wait)
		c.send("ACQUIRE x C 1000\n")
		b.left = true
		a.do("RELEASE x A", "OK")
		if tag, _, tagged := strings.Cut(wait, "ACQUIRE x"); tagged && tag != "" {
			b.expect(tag + canceledLine)
		} else {
			b.expect("")
		}
		c.expect("OK\n")
		b.send("@r ACQUIRE z B 0\n") // input from before the end is still executed
		b.hangUp()
		if !s.free("y") || s.free("z") {
			t.Fatalf("y free %v, z free %v", s.free("y"), s.free("z"))
		}
		c.do("RELEASE x C", "OK")
		c.do("RELEASE z B", "OK")
		s.empty()
	}
}

func TestGrantsOfABatchThatCannotBeWrittenAreTakenBack(t *testing.T) {
	s := newSim(t, nil)
	a, b := s.dial(0), s.dial(1)
	b.do("ACQUIRE kept B 0", "OK")
	a.do("ACQUIRE x A 0", "OK")
	b.send("@1 ACQUIRE x B 1000\n")
	b.broken = true
	b.send("ACQUIRE y B 0\nACQUIRE kept B 0\n")
	if !s.free("y") || s.free("kept") || !b.gone {
		t.Fatalf("y free %v, kept free %v, closed %v", s.free("y"), s.free("kept"), b.gone)
	}
	c := s.dial(1)
	c.send("@1 ACQUIRE x C 1000\n")
	c.broken = true
	a.do("RELEASE x A", "OK")
	if !s.free("x") {
		t.Fatal("a grant whose reply could not be written stands")
	}
}
