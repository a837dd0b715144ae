package codec

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// checkBurst compares what DecodeBurst finds at the beginning of the input with
// what the decoder finds without its short cuts, also where the input has something
// behind its end that would go on with it.
func checkBurst(t *testing.T, input []byte) {
	t.Helper()
	checkBurstIn(t, input[:len(input):len(input)])
	for _, behind := range []string{"\n", " b 0\n", "\r\n", "0\n"} {
		behind += strings.Repeat("RELEASE a b\n", 8)
		checkBurstIn(t, append(input[:len(input):len(input)], behind...)[:len(input)])
	}
}

func checkBurstIn(t *testing.T, in []byte) {
	t.Helper()
	var d, e Decoder
	var burst Burst
	for i := range burst { // what an earlier one has left must not matter
		burst[i] = Plain{Text(bytes.Repeat([]byte{7}, TextLen)), 1, 2, 3, 4, 5, 6, VerbQuit, FormRESP, 7, true}
	}
	single := burst[0]
	if d.DecodePlain(in, &single) {
		if n, _ := d.DecodeBurst(in, &burst); n != 1 || cleaned(burst[0]) != cleaned(single) || int(single.End) != len(in) {
			t.Fatalf("input %q: alone it is %+v, a burst has %d: %+v", in, single, n, burst[0])
		}
	}
	at := 0
	n, has := d.DecodeBurst(in, &burst)
	for i := range n {
		checkText(t, in, &burst[i])
		if p := &burst[i]; p.Tagged() && has&HasTags == 0 || p.Form == FormRESP && has&HasRESP == 0 {
			t.Fatalf("input %q: a burst has %+v, and tells of %b", in, *p, has)
		}
		var want Command
		took, st := e.other(in[at:], &want)
		if st != Ready {
			t.Fatalf("input %q at %d: a burst has %+v, others %v", in, at, burst[i], st)
		}
		var decoded Command
		got := &decoded
		burst[i].Command(in, got)
		if at+took != int(burst[i].End) || got.Form != want.Form || describe(&d, got, Ready) != describe(&e, &want, Ready) {
			t.Fatalf("input %q at %d: a burst has %s up to %d, others %s up to %d", in, at,
				describe(&d, got, Ready), burst[i].End, describe(&e, &want, Ready), at+took)
		}
		at += took
	}
}

// cleaned returns p without what means nothing.
func cleaned(p Plain) Plain {
	p.cleanText()
	if p.Verb != VerbAcquire {
		p.WaitMs = 0
	}
	return p
}

// checkText compares the copies of words with the words.
func checkText(t *testing.T, in []byte, p *Plain) {
	t.Helper()
	name, service := p.Name(in), p.Service(in)
	want := slices.Concat(name, make([]byte, -len(name)&7), service)
	if fits := len(want) <= TextLen; p.Short != fits || int(p.NameLen()) != len(name) || int(p.ServiceLen()) != len(service) {
		t.Fatalf("input %q: short is %v, lengths are %d and %d", in, p.Short, p.NameLen(), p.ServiceLen())
	}
	if p.Short && !bytes.HasPrefix(p.Text[:], want) {
		t.Fatalf("input %q: the text is %q, want %q", in, p.Text, want)
	}
}

// TestBurstsDecodeAsOthers decodes plain commands with a few bytes changed, which
// are mostly those that mean something.
func TestBurstsDecodeAsOthers(t *testing.T) {
	const bytesOfInterest = " \t\"!#\r\n*$@._-:/0123456789;ACQUIREHTBLSNacr\x00\x7f\x80\xa0\xff"
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
		tag := ""
		if rng.IntN(3) == 0 {
			tag = "@" + strings.Repeat(string("tZ9._-"[rng.IntN(6)]), []int{1, 5, TagMax, TagMax + 1, rng.IntN(40)}[rng.IntN(5)]) + " "
		}
		return tag + strings.Join(words, " ") + []string{"\n", "\r\n"}[rng.IntN(2)]
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
		if n, _ := d.DecodeBurst(in, &burst); n > 0 && int(burst[n-1].End) == len(in) {
			whole++
		}
	}
	if whole < 10_000 {
		t.Fatalf("only %d inputs were bursts as a whole", whole)
	}
}

// TestPlainCommandsAreDecodedAlone holds that DecodePlain is what it is for.
func TestPlainCommandsAreDecodedAlone(t *testing.T) {
	long := "ACQUIRE " + strings.Repeat("n", 60) + " svc-1 30000\r\n"
	for _, c := range []struct {
		input string
		plain bool
	}{
		{"ACQUIRE lock:000000001234 svc-1 0\n", true}, {"RELEASE a b\r\n", true}, {"HEARTBEAT a b\n", true}, {long, true},
		{frame("ACQUIRE", "a", "b", "0"), true}, {frame("HEARTBEAT", "a", "b"), true},
		{"", false}, {"ACQUIRE a b 0", false}, {"RELEASE a b\nRELEASE a b\n", false}, {"PING\n", false}, {"@1 RELEASE a b\n", true}, {"@t " + long, true}, {"@ RELEASE a b\n", false},
		{"@-_.Za9 HEARTBEAT a b\n", true}, {"@1 PING\n", false}, {"@1", false}, {"@1 ", false}, {"@1/ RELEASE a b\n", false}, {"@1  RELEASE a b\n", false},
		{"RELEASE a b\r", false}, {frame("RELEASE", "a", "b") + "\n", false}, {long + "\n", false},
	} {
		for _, behind := range []int{0, 100} {
			in := append([]byte(c.input), strings.Repeat("\n", behind)...)[:len(c.input)]
			var d Decoder
			var p Plain
			if got := d.DecodePlain(in, &p); got != c.plain {
				t.Errorf("input %q, %d bytes behind: %v", c.input, behind, got)
			}
		}
	}
}

// TestBurstsTakePlainCommands holds that bursts are what they are for: without it, an
// empty one would be right too.
func TestBurstsTakePlainCommands(t *testing.T) {
	if size := unsafe.Sizeof(Plain{}); size > 92 {
		t.Errorf("a plain command has %d bytes", size)
	}
	pair := "ACQUIRE lock:000000001234 svc-1 0\nRELEASE lock:000000001234 svc-1\r\nHEARTBEAT a b\n"
	resp := frame("ACQUIRE", "lock:000000001234", "svc-1", "30000") + frame("RELEASE", "a", "b") + frame("HEARTBEAT", "a", "b")
	for _, c := range []struct {
		input string
		n     int
	}{
		{pair, 3}, {pair + pair + pair + pair + pair + pair, BurstMax}, {resp, 3}, {resp + pair, 6},
		{pair + "PING\n" + pair, 3}, {"@t " + pair + "@u " + pair, 6}, {"@t\t" + pair, 0}, {pair + "ACQUIRE a b", 3}, {"", 0},
	} {
		var d Decoder
		var burst Burst
		if n, _ := d.DecodeBurst([]byte(c.input), &burst); n != c.n {
			t.Errorf("input %q: %d commands, want %d", c.input, n, c.n)
		}
		d.PreAuth = true
		if n, _ := d.DecodeBurst([]byte(c.input), &burst); n != 0 {
			t.Errorf("input %q before AUTH: %d commands", c.input, n)
		}
	}
}
