package codec

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"dlm/internal/testflag"
)

// TestShortLine compares shortLine with its twin in Go, and both with longLine. It uses lines
// around the limits of shortLine, with special bytes in the place of others, and with bytes after
// the end of the input that could continue the line.
func TestShortLine(t *testing.T) {
	const after = "0\n b 5\r\n"
	rng := rand.New(rand.NewPCG(testflag.Seed(t), 3))
	taken, left, optioned := 0, 0, 0
	for range 100_000 {
		line := randomLine(rng)
		for range rng.IntN(3) {
			line[rng.IntN(len(line))] = " \t\"!#\r\n*@09:/;AR\x00\x7f\x80\xa2\xff"[rng.IntN(21)]
		}
		line = line[:len(line)-rng.IntN(2)*rng.IntN(3)]
		at := rng.IntN(3)
		b := append(make([]byte, at), line...)
		for len(b) < at+lineReach {
			b = append(b, after[rng.IntN(len(after)):]...)
		}
		var short, twin, long LockCommand
		reach := (*[lineReach]byte)(b[at:])
		end, endGo := shortLine(reach, uint(at), &short), shortLineGo(reach, uint(at), &twin)
		if end != endGo || end != 0 && short.cleaned() != twin.cleaned() {
			t.Fatalf("input %q from %d on: got %d, %+v, in Go %d, %+v", b, at, end, short, endGo, twin)
		}
		size := at + len(line)
		switch {
		case end&more != 0:
			optioned++
			continue
		case end == 0 || int(end) > size:
			left++
			continue
		}
		taken++
		if n := longLine(b[:size], uint(at), &long); n != end || long.cleaned() != short.cleaned() {
			t.Fatalf("input %q from %d on: got %d, %+v, want %d, %+v", b[:size], at, end, short, n, long)
		}
	}
	if taken < 15_000 || left < 15_000 || optioned < 5_000 {
		t.Fatalf("took %d lines, %d up to their options, and left %d", taken, optioned, left)
	}
}

// randomLine returns a line whose words have lengths around multiples of 8 and limits.
func randomLine(rng *rand.Rand) []byte {
	word := func() string {
		n := max(1, []int{1, 8, 16, 24, half, half + 1, rng.IntN(40), rng.IntN(60)}[rng.IntN(8)]-rng.IntN(2))
		return strings.Repeat(string("nü\x80#z"[rng.IntN(6)]), n)[:n]
	}
	verb := []string{"ACQUIRE", "RELEASE", "HEARTBEAT"}[rng.IntN(3)]
	line := verb + " " + word() + " " + word()
	if verb == "ACQUIRE" {
		line += fmt.Sprintf(" %0*d", rng.IntN(9), rng.Uint32()>>(8+rng.IntN(24)))
	}
	return []byte(line + []string{"\n", "\r\n", " TTL 5000\n"}[rng.IntN(3)])
}

// cleaned returns p without the bytes that have no meaning.
func (p LockCommand) cleaned() LockCommand {
	end, _ := p.TextEnd()
	if !p.Short() {
		end = 0
	}
	clear(p.Text[end:])
	if p.Verb != VerbAcquire {
		p.WaitMs = 0
	}
	return p
}

// TestShortLineTakesLines checks that shortLine takes the usual lines: the others cost more, with
// the same result.
func TestShortLineTakesLines(t *testing.T) {
	name, service := strings.Repeat("n", half), strings.Repeat("s", 64-half-len("RELEASE  \r\n"))
	for line, want := range map[string]int{
		"ACQUIRE a b 9999999\n": 20, "ACQUIRE a b 0\r\n": 15, "ACQUIRE a b 1234567\n": 20, "ACQUIRE a b 12345678\n": 0,
		"RELEASE " + name + " " + service + "\r\n": 64, "RELEASE " + name + "n " + service[:5] + "\n": 48, "RELEASE " + name + name[:24] + " s\n": 0, "RELEASE " + name + name[:17] + " " + "12345678\n": 0, "RELEASE " + name[:31] + name[:16] + " 1234567\n": 64,
		"RELEASE #n #s\n": 14, "HEARTBEAT " + service + " " + service + "\n": 12 + 2*len(service), "RELEASE a! b\n": 0, "ACQUIRE a b 1 TTL 5\n": 14,
	} {
		for twin, decode := range map[string]func(*[lineReach]byte, uint, *LockCommand) uint{"shortLine": shortLine, "shortLineGo": shortLineGo} {
			b, p := [lineReach]byte{}, LockCommand{}
			copy(b[:], line)
			if end := decode(&b, 0, &p); int(end&^more) != want || strings.Contains(line, "TTL") != (end&more != 0) {
				t.Errorf("%s, line %q: it ends at %d", twin, line, end)
			}
		}
	}
}
