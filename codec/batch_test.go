package codec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"dlm/internal/testflag"
)

// checkBatch compares what DecodeBatch finds at the beginning of the input with what the grammar
// finds, also where the memory of the input has something after its end that would go on with it.
func checkBatch(t *testing.T, input []byte, preAuth bool) {
	t.Helper()
	checkBatchIn(t, input[:len(input):len(input)], preAuth)
	for _, after := range []string{"\n", " b 0\n", "\r\n", "0\n", " TTL 500\n", "00 TOKEN 1\n",
		"\r\n$3\r\nTTL\r\n$3\r\n500\r\n", "5\r\n$7\r\nRELEASE\r\n$1\r\na\r\n$1\r\nb\r\n$5\r\nTOKEN\r\n$1\r\n1\r\n"} {
		after += strings.Repeat("RELEASE a b\n", 8)
		checkBatchIn(t, append(input[:len(input):len(input)], after...)[:len(input)], preAuth)
	}
}

func checkBatchIn(t *testing.T, in []byte, preAuth bool) {
	t.Helper()
	d, e := Decoder{PreAuth: preAuth}, Decoder{PreAuth: preAuth}
	b := dirtyBatch()
	var cmd, want Command
	n, took, st := d.DecodeBatch(in, b, BatchMax, &cmd)
	at := 0
	for i := range n {
		p := &b.Cmds[i]
		src := b.Source(p, in)
		checkText(t, src, p)
		if p.Tagged() && b.Has&HasTags == 0 || p.Form == FormRESP && b.Has&HasRESP == 0 {
			t.Fatalf("input %q: the batch has %+v, and tells of %b", in, *p, b.Has)
		}
		size, status := e.Decode(in[at:], &want)
		if status != Ready {
			t.Fatalf("input %q at %d: the batch has %+v, the grammar %v", in, at, *p, status)
		}
		var got Command
		p.Command(src, &got)
		if at+size != int(p.End) || got.Form != want.Form || describe(&d, &got, Ready) != describe(&e, &want, Ready) {
			t.Fatalf("input %q at %d: the batch has %s up to %d, the grammar %s up to %d", in, at,
				describe(&d, &got, Ready), p.End, describe(&e, &want, Ready), at+size)
		}
		at += size
	}
	checkBatchReplies(t, in, b, n)
	if st == Undecoded {
		if at < len(in) && n < BatchMax && b.used <= wordsMax-wordsOfOne {
			t.Fatalf("input %q: the batch stops at %d for no reason", in, at)
		}
		return
	}
	size, status := e.Decode(in[at:], &want)
	if took != size || st != status || st == Ready && (cmd.onHold() || describe(&d, &cmd, st) != describe(&e, &want, st)) {
		t.Fatalf("input %q at %d: after the batch %d bytes, %v, %+v; the grammar %d, %v, %+v", in, at, took, st, cmd, size, status, want)
	}
}

// checkBatchReplies compares answers to the first n commands of a batch with those to each command.
func checkBatchReplies(t *testing.T, in []byte, b *Batch, n int) {
	t.Helper()
	held := make([]GrantReply, n)
	for i := range held {
		held[i] = GrantReply{1_838_080_000_123_456 + Token(i), uint32(i % 3), 30_000}
	}
	for _, buf := range [][]byte{nil, make([]byte, 0, 4<<10)} {
		got, want := Writer{Buf: buf}, Writer{}
		for i, next := 0, 0; i < n; i = next {
			form := b.Cmds[i].Form
			for next = i; next < n && b.Cmds[next].Form == form; next++ {
				p := &b.Cmds[next]
				want.Start(form, p.Tag(b.Source(p, in)))
				want.Hold(held[next].Token, held[next].Count, held[next].LeaseMs)
			}
			got.Holds(b, i, next, in, held)
			if form == FormRESP {
				continue
			}
			for at := i; at < next; at++ {
				p := &b.Cmds[at]
				want.Start(form, p.Tag(b.Source(p, in)))
				want.OK()
			}
			got.OKs(b, i, next, in)
		}
		if string(got.Buf) != string(want.Buf) {
			t.Fatalf("input %q: a batch is answered %q, its commands %q", in, got.Buf, want.Buf)
		}
	}
}

// dirtyBatch returns a batch with leftovers, which must not matter.
func dirtyBatch() *Batch {
	b := &Batch{Has: 0xff, used: 7}
	for i := range b.Cmds {
		p := &b.Cmds[i]
		*p = LockCommand{nameAt: 1, nameLen: 2, serviceAt: 3, serviceLen: 4, WaitMs: 5, End: 6, Verb: VerbQuit, Form: FormRESP, tagLen: 7,
			where: 0xff, Opts: 0xffffffff, TTLMs: 9, Count: 10, Permits: 11, tagAt: 12, textAt: 13, textLen: 14, reqAt: 15, reqLen: 16, Token: 17}
		copy(p.Text[:], bytes.Repeat([]byte{7}, TextLen))
	}
	return b
}

// checkText compares the copies of words with the words.
func checkText(t *testing.T, src []byte, p *LockCommand) {
	t.Helper()
	name, service := p.Name(src), p.Service(src)
	want := slices.Concat(name, make([]byte, -len(name)&7), service)
	if fits := len(want) <= TextLen; p.Short() != fits || int(p.NameLen()) != len(name) || int(p.ServiceLen()) != len(service) {
		t.Fatalf("source %q: short is %v, lengths are %d and %d", src, p.Short(), p.NameLen(), p.ServiceLen())
	}
	if p.Short() && !bytes.HasPrefix(p.Text[:], want) {
		t.Fatalf("source %q: the text is %q, want %q", src, p.Text, want)
	}
}

// randomLockCommand returns a lock command as clients spell it, in text or as an array, mostly
// sound.
func randomLockCommand(rng *rand.Rand) string {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	word := func(most int) string { return strings.Repeat("n", 1+rng.IntN(most)) }
	words := []string{pick("ACQUIRE", "RELEASE", "HEARTBEAT"), word(60), word(40)}
	if rng.IntN(50) == 0 {
		words[1+rng.IntN(2)] = word(1100)
	}
	if rng.IntN(20) == 0 {
		words[0] = pick("UPGRADE", "DOWNGRADE")
	}
	if words[0] == "ACQUIRE" || words[0] == "UPGRADE" {
		words = append(words, pick("0", "5", "30000", "86400000", "86400001", "0000000", "00000000", "000000000000000000"))
	}
	for range max(0, rng.IntN(7)-3) {
		option := pick("TTL", "TOKEN", "COUNT", "QUEUE", "META", "REQ", "FRESH", "ALL")
		if rng.IntN(10) == 0 {
			option = pick("SHARED", "PERMITS", "DETECT")
		}
		switch option {
		case "FRESH", "ALL", "SHARED", "DETECT":
			words = append(words, option)
		case "META", "REQ":
			words = append(words, option, word(70))
		default:
			words = append(words, option, pick("0", "1", "100", "99", "30000", "86400001", "2147483648", "9007199254740991", "9007199254740992", "12345678"))
		}
	}
	if rng.IntN(3) == 0 {
		return frame(words...)
	}
	tag := ""
	if rng.IntN(3) == 0 {
		tag = "@" + strings.Repeat(pick("t", "Z", "9", ".", "_", "-"), []int{1, 5, TagMax, TagMax + 1, rng.IntN(40)}[rng.IntN(5)]) + " "
	}
	return tag + strings.Join(words, " ") + pick("\n", "\r\n")
}

// TestBatchDecodesAsGrammar decodes lock commands with a few bytes changed, mostly to those that
// mean something.
func TestBatchDecodesAsGrammar(t *testing.T) {
	const bytesOfInterest = " \t\"!#\r\n*$@._-:/0123456789;ACQUIREHTBLSNacr\x00\x7f\x80\xa0\xff"
	rng := rand.New(rand.NewPCG(testflag.Seed(t), 1))
	whole := 0
	for i := range 100_000 {
		var s strings.Builder
		for range 1 + rng.IntN(4) {
			s.WriteString(randomLockCommand(rng))
		}
		in := []byte(s.String())
		for range rng.IntN(4) {
			in[rng.IntN(len(in))] = bytesOfInterest[rng.IntN(len(bytesOfInterest))]
		}
		checkBatch(t, in[:len(in)-rng.IntN(3)], i%16 == 0)
		at, quick := uint(0), true
		for quick && at < uint(len(in)) {
			at, quick = quickAt(in, at)
		}
		if quick {
			whole++
		}
	}
	if whole < 10_000 {
		t.Fatalf("the quick decoder took only %d inputs as a whole", whole)
	}
}

// quickAt decodes one command with the quick decoder alone, and reports whether it took it.
func quickAt(in []byte, at uint) (end uint, ok bool) {
	var p LockCommand
	switch in[at] {
	case '*':
		end = quickArray(in, at, &p)
	case '@':
		end = quickTagged(in, at, &p)
	default:
		end = quickLine(in, at, &p)
	}
	return end, end != 0
}

// TestQuickDecoderTakes checks which spellings need no grammar: leaving all to it would be right
// too.
func TestQuickDecoderTakes(t *testing.T) {
	n := strings.Repeat("n", 64)
	for _, c := range []struct {
		input string
		quick bool
	}{
		{"ACQUIRE lock:000000001234 svc-1 0\n", true}, {"RELEASE a b\r\n", true}, {"HEARTBEAT a b\n", true},
		{"ACQUIRE " + n + " svc-1 30000\r\n", true}, {"@t ACQUIRE " + n + " svc-1 0 TTL 30000\n", true},
		{"ACQUIRE a b 0 TTL 100\n", true}, {"ACQUIRE a b 0 TTL 86400000 META #m FRESH QUEUE 5\r\n", true},
		{"HEARTBEAT a b TOKEN 9007199254740991 COUNT 2147483647 TTL 5000\n", true}, {"@1 RELEASE a b ALL TOKEN 12345678\n", true},
		{"@-_.Za9 HEARTBEAT a b\n", true},
		{"@7 ACQUIRE a b 60000 TTL 10000 REQ 1\n", true}, {"RELEASE a b TOKEN 9007199254740991 REQ " + n + "\r\n", true},
		{"RELEASE a b REQ " + n + "n\n", false}, {"HEARTBEAT a b REQ 1\n", false}, {"ACQUIRE a b 1 REQ 1 REQ 1\n", false}, {"ACQUIRE a b 1 REQ \n", false},
		{frame("ACQUIRE", "a", "b", "60000", "TTL", "10000", "REQ", n), true}, {frame("RELEASE", "a", "b", "REQ", n+"n"), false}, {frame("RELEASE", "a", "b", "REQ", ""), false},
		{frame("ACQUIRE", "a", "b", "0"), true}, {frame("HEARTBEAT", "a", "b"), true}, {frame("ACQUIRE", n, "b", "12345", "TTL", "30000"), true},
		{frame("ACQUIRE", "a", "b", "0", "FRESH", "META", "x y", "QUEUE", "7"), true}, {frame("RELEASE", "a", "b", "ALL", "TOKEN", "5"), true},
		{frame("HEARTBEAT", "a", "b", "TOKEN", "9007199254740991", "COUNT", "9", "TTL", "12345678"), true},
		{frame("ACQUIRE", "a", "b", "0", "TTL", "500", "META", "m", "QUEUE", "7", "FRESH"), false},
		{"ACQUIRE a b 0 QUEUE 0\n", false}, {"acquire a b 0\n", false}, {"PING\n", false}, {"ACQUIRE a b 0 ttl 100\n", false}, {"ACQUIRE a b 0 TTL 99\n", false},
		{"RELEASE a b TTL 500\n", false}, {"HEARTBEAT a b COUNT 1\n", false}, {"HEARTBEAT a b TOKEN 9007199254740992\n", false}, {"RELEASE a b ALL ALL\n", false},
		{"@ RELEASE a b\n", false}, {"@1/ RELEASE a b\n", false}, {"@1  RELEASE a b\n", false}, {"RELEASE a b\r", false}, {"RELEASE \"a\" b\n", false},
	} {
		in := append([]byte(c.input), strings.Repeat("\n", 100)...)[:len(c.input)]
		if end, ok := quickAt(in, 0); ok != c.quick || ok && int(end) != len(in) {
			t.Errorf("input %q: took %d bytes", c.input, end)
		}
	}
}

// TestBatchTakesLockCommands counts the commands of a batch: an empty one would be right too.
func TestBatchTakesLockCommands(t *testing.T) {
	if size := unsafe.Sizeof(LockCommand{}); size != 128 {
		t.Errorf("a lock command has %d bytes", size)
	}
	pair := "ACQUIRE lock:000000001234 svc-1 0\nRELEASE lock:000000001234 svc-1\r\nHEARTBEAT a b\n"
	resp := frame("ACQUIRE", "lock:000000001234", "svc-1", "30000") + frame("RELEASE", "a", "b") + frame("HEARTBEAT", "a", "b")
	long := fmt.Sprintf("release \"%s\" b\n", strings.Repeat("n", NameMax))
	for _, c := range []struct {
		input   string
		most, n int
		st      Status
	}{
		{pair, 16, 3, Undecoded}, {strings.Repeat(pair, 6), 16, BatchMax, Undecoded}, {pair, 1, 1, Undecoded}, {resp + pair, 16, 6, Undecoded},
		{pair + "PING\n" + pair, 16, 3, Ready}, {"@t " + pair + "@u " + pair, 16, 6, Undecoded}, {"@t\t" + pair + "\trelease \"\\x61\" b\n", 16, 4, Undecoded},
		{pair + "ACQUIRE a b", 16, 3, Incomplete}, {"", 16, 0, Undecoded}, {pair + "\n", 16, 3, Blank}, {pair + "RELEASE a\n", 16, 3, Bad}, {pair + "*x", 16, 3, Fatal},
		{strings.Repeat(long, 9), 16, 3, Undecoded},
	} {
		var d Decoder
		var b Batch
		var cmd Command
		if n, _, st := d.DecodeBatch([]byte(c.input), &b, c.most, &cmd); n != c.n || st != c.st {
			t.Errorf("input %.80q: %d commands and %v, want %d and %v", c.input, n, st, c.n, c.st)
		}
	}
}

func TestDecodeBatchAllocatesNothing(t *testing.T) {
	skipUnderRace(t)
	rng := rand.New(rand.NewPCG(1, 1))
	var d Decoder
	var b Batch
	var cmd Command
	for range 500 {
		in := []byte(randomLockCommand(rng) + randomLockCommand(rng) + "@t acquire \"\\n\" b 0 META m\n")
		d.DecodeBatch(in, &b, BatchMax, &cmd) // makes room for the message of a problem, once
		if got := testing.AllocsPerRun(5, func() { d.DecodeBatch(in, &b, BatchMax, &cmd) }); got != 0 {
			t.Errorf("%g allocations for %q", got, in)
		}
	}
}

// TestCountOfWordsHasDigits: a byte after 9 is no count, though it is that many more than 0.
func TestCountOfWordsHasDigits(t *testing.T) {
	options := []string{"$3\r\nTTL\r\n$4\r\n1000\r\n", "$3\r\nREQ\r\n$1\r\nx\r\n", "$4\r\nMETA\r\n$1\r\nm\r\n",
		"$5\r\nFRESH\r\n", "$5\r\nQUEUE\r\n$1\r\n2\r\n"}
	for _, name := range []string{"a", strings.Repeat("a", 40)} {
		for count := '0'; count < 'A'; count++ {
			for n := range len(options) + 1 {
				in := fmt.Sprintf("*%c\r\n$7\r\nACQUIRE\r\n$%d\r\n%s\r\n$1\r\ns\r\n$1\r\n0\r\n%s", count, len(name), name, strings.Join(options[:n], ""))
				checkBatch(t, []byte(in), false)
			}
		}
	}
}

// TestBatchEndsWithItsInput cuts commands at every byte, with the rest of them, or the rest of
// others, in the memory after the cut, as it lies in the buffer of a connection.
func TestBatchEndsWithItsInput(t *testing.T) {
	arrays := func(lines ...string) (all []string) {
		for _, line := range lines {
			words := strings.Fields(line)
			array := fmt.Sprintf("*%d\r\n", len(words))
			for _, word := range words {
				array += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
			}
			all = append(all, line+"\n", "@12 "+line+"\r\n", array)
		}
		return all
	}
	commands := arrays("ACQUIRE a s 0", "RELEASE a s", "HEARTBEAT a s", "ACQUIRE a s 0 TTL 1000", "ACQUIRE a s 10 REQ r TTL 1000 META m",
		"RELEASE a s TOKEN 1838489600000042", "HEARTBEAT a s TOKEN 1838489600000042 TTL 5000", "HEARTBEAT a s TOKEN 7 COUNT 2", "RELEASE a s ALL")
	pad := strings.Repeat("\r\n$3\r\n", 40)
	for _, first := range commands {
		for _, second := range commands {
			for cut := 1; cut <= len(first); cut++ {
				memory := "RELEASE z z\n" + first[:cut] + second[min(cut, len(second)):] + pad
				checkBatchIn(t, []byte(memory)[:len("RELEASE z z\n")+cut], false)
			}
		}
	}
}
