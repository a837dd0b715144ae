package codec

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// checkBurst compares what DecodeBurst finds at the beginning of the input with
// what the decoder finds without its short cuts.
func checkBurst(t *testing.T, input []byte) {
	t.Helper()
	var d, e Decoder
	var burst Burst
	in := input[:len(input):len(input)]
	at, n := 0, d.DecodeBurst(in, &burst)
	for i := range n {
		var want Command
		took, st := e.other(in[at:], &want)
		if st != Ready {
			t.Fatalf("input %q at %d: a burst has %+v, others %v", input, at, burst.Cmds[i], st)
		}
		got := &burst.Cmds[i]
		if at+took != burst.Ends[i] || got.Form != want.Form || describe(&d, got, Ready) != describe(&e, &want, Ready) {
			t.Fatalf("input %q at %d: a burst has %s up to %d, others %s up to %d", input, at,
				describe(&d, got, Ready), burst.Ends[i], describe(&e, &want, Ready), at+took)
		}
		at += took
	}
}

// TestBurstsDecodeAsOthers decodes plain commands with a few bytes changed, which
// are mostly those that mean something.
func TestBurstsDecodeAsOthers(t *testing.T) {
	const bytesOfInterest = " \t\"!#\r\n*$@:/0123456789;ACQUIREHTBLSNacr\x00\x7f\x80\xa0\xff"
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	word := func(most int) string { return strings.Repeat("n", 1+rng.IntN(most)) }
	command := func() string {
		words := []string{[]string{"ACQUIRE", "RELEASE", "HEARTBEAT"}[rng.IntN(3)], word(30), word(12)}
		if rng.IntN(50) == 0 {
			words[1+rng.IntN(2)] = word(1100)
		}
		if words[0] == "ACQUIRE" {
			words = append(words, []string{"0", "5", "30000", "86400000", "86400001", "0000000", "00000000"}[rng.IntN(7)])
		}
		if rng.IntN(3) == 0 {
			return frame(words...)
		}
		return strings.Join(words, " ") + []string{"\n", "\r\n"}[rng.IntN(2)]
	}
	whole := 0
	for range 100_000 {
		var s strings.Builder
		for range 1 + rng.IntN(4) {
			s.WriteString(command())
		}
		in := []byte(s.String())
		for range rng.IntN(4) {
			in[rng.IntN(len(in))] = bytesOfInterest[rng.IntN(len(bytesOfInterest))]
		}
		checkBurst(t, in[:len(in)-rng.IntN(3)])
		var d Decoder
		var burst Burst
		if n := d.DecodeBurst(in, &burst); n > 0 && burst.Ends[n-1] == len(in) {
			whole++
		}
	}
	if whole < 10_000 {
		t.Fatalf("only %d inputs were bursts as a whole", whole)
	}
}

// TestBurstsTakePlainCommands holds that bursts are what they are for: without it, an
// empty one would be right too.
func TestBurstsTakePlainCommands(t *testing.T) {
	pair := "ACQUIRE lock:000000001234 svc-1 0\nRELEASE lock:000000001234 svc-1\r\nHEARTBEAT a b\n"
	resp := frame("ACQUIRE", "lock:000000001234", "svc-1", "30000") + frame("RELEASE", "a", "b") + frame("HEARTBEAT", "a", "b")
	for _, c := range []struct {
		input string
		n     int
	}{
		{pair, 3}, {pair + pair + pair + pair + pair + pair, BurstMax}, {resp, 3}, {resp + pair, 6},
		{pair + "PING\n" + pair, 3}, {"@t " + pair, 0}, {pair + "ACQUIRE a b", 3}, {"", 0},
	} {
		var d Decoder
		var burst Burst
		if n := d.DecodeBurst([]byte(c.input), &burst); n != c.n {
			t.Errorf("input %q: %d commands, want %d", c.input, n, c.n)
		}
		d.PreAuth = true
		if n := d.DecodeBurst([]byte(c.input), &burst); n != 0 {
			t.Errorf("input %q before AUTH: %d commands", c.input, n)
		}
	}
}

func TestWordEnds(t *testing.T) {
	if !endsFast {
		t.Skip("not built for this processor")
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	var b [endsLen]byte
	for range 10_000 {
		want := uint64(0)
		for i := range b {
			b[i] = byte(rng.Uint32())
			if rng.IntN(2) == 0 {
				b[i] = '"' + byte(rng.IntN(2))
			}
			if b[i] < '#' {
				want |= 1 << i
			}
		}
		if got := wordEnds(&b); got != want {
			t.Fatalf("%q: got %x, want %x", b, got, want)
		}
	}
}
