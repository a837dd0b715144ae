package codec

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// TestShortLine compares shortLine with longHold, for lines around the limits of what it knows, with bytes of interest in
// the place of others, and something behind the end of the input that could go on with it. Where it is not there, it leaves all.
func TestShortLine(t *testing.T) {
	const behind = "0\n b 5\r\n"
	rng := rand.New(rand.NewPCG(rand.Uint64(), 3))
	taken, left := 0, 0
	for range 300_000 {
		line := randomLine(rng)
		for range rng.IntN(3) {
			line[rng.IntN(len(line))] = " \t\"!#\r\n*@09:/;AR\x00\x7f\x80\xa2\xff"[rng.IntN(21)]
		}
		line = line[:len(line)-rng.IntN(2)*rng.IntN(3)]
		at := rng.IntN(3)
		b := append(make([]byte, at), line...)
		for len(b) < at+lineReach {
			b = append(b, behind[rng.IntN(len(behind)):]...)
		}
		var short, long Plain
		end := shortLine((*[lineReach]byte)(b[at:]), uint(at), &short)
		size := at + len(line)
		if end == 0 || int(end) > size {
			left++
			continue
		}
		taken++
		short.cleanText()
		if n := longHold(b[:size:size], uint(at), &long); n != end || long.cleanText() != short {
			t.Fatalf("input %q from %d on: got %d, %+v, want %d, %+v", b[:size], at, end, short, n, long)
		}
	}
	if runtime.GOARCH == "amd64" && (taken < 50_000 || left < 50_000) {
		t.Fatalf("took %d lines and left %d", taken, left)
	}
}

// randomLine returns a plain line whose words are mostly of lengths around multiples of 8 and limits.
func randomLine(rng *rand.Rand) []byte {
	word := func() string {
		n := max(1, []int{1, 8, 16, 24, half, half + 1, rng.IntN(40)}[rng.IntN(7)]-rng.IntN(2))
		return strings.Repeat(string("nü\x80#z"[rng.IntN(6)]), n)[:n]
	}
	verb := []string{"ACQUIRE", "RELEASE", "HEARTBEAT"}[rng.IntN(3)]
	line := verb + " " + word() + " " + word()
	if verb == "ACQUIRE" {
		line += fmt.Sprintf(" %0*d", rng.IntN(9), rng.Uint32()>>(8+rng.IntN(24)))
	}
	return []byte(line + []string{"\n", "\r\n"}[rng.IntN(2)])
}

// cleanText clears what means nothing.
func (p *Plain) cleanText() Plain {
	end, _ := p.TextEnd()
	if !p.Short {
		end = 0
	}
	clear(p.Text[end:])
	return *p
}
