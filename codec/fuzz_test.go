package codec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// FuzzText looks for lines whose meaning changes when they arrive in pieces, and for lines that
// break the promises of Decode.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"ACQUIRE a b 0\nRELEASE a b\r\nHEARTBEAT a b TOKEN 1 TTL 100\n",
		"@t1 acquire \"a b\" \"\\x00\\\"\\\\\\n\\r\\t\" 5 META \"x\" ttl 200\r\n\r\n \t\n",
		"ACQUIRE a b 9 DETECT\nacquire a b 9 detect shared REQ x\nACQUIRE a b 9 DETECT DETECT\nRELEASE a b DETECT\n",
		"ACQUIRE a b 9 FRESH QUEUE 3 TTL 100\nacquire a b 9 queue 0 fresh\nRELEASE a b ALL\nrelease a b token 1 all\nACQUIRE a b 1 QUEUE FRESH\n",
		"ACQUIRE a b 9 SHARED\nHEARTBEAT a b TOKEN 1 COUNT 2 PERMITS 3\nUPGRADE a b 1 TOKEN 2\nDOWNGRADE a b\nHOLDERS a\nACQUIRE a b 1 PERMITS 2 SHARED\n",
		"ACQUIRE a b 9 REQ 1\nACQUIRE a b 9 TTL 100 REQ x-1 META m\nRELEASE a b TOKEN 3 REQ 1\nrelease a b req \"\\x00\"\nHEARTBEAT a b REQ 1\nACQUIRE a b 9 REQ\n",
		"CANCEL @t\nCANCEL a b REQ 1\n@t cancel a b req \"x y\"\nCANCEL a\nCANCEL @\nCANCEL a b REQ \"\"\nOUTCOME a b REQ 1\nOUTCOME a b REQ " + strings.Repeat("r", ReqMax+1) + "\nOUTCOME @t\n",
		"LOCKS PREFIX p HELD LIMIT 3 CURSOR \"\"\nDETAIL on\nINFO\nHELP x\nQUIT\n",
		"FORCE-RELEASE a TOKEN 1 REASON \"\"\nSTATUS a\nAUTH x\nPING\n",
		"ECHO x\nAQUIRE a b 0\nACQUIRE a b 0 TTL\n@bad! PING\n@ok\n@a \"\n",
		"PING\n\x16\x03\x01",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"PING\r\nPROXY TCP4 192.0.2.7 192.0.2.1 51234 7420\r\nPING\n", "FOO / HTTP/1.1\r\n", "FOO / \"HTTP/1.1\r\n",
		proxySignature + "\x21\x11\x00\x0cPING\n",
		"POST / \"HTTP\n",
		"STATUS a\"b\nSTATUS \"a\"b\nSTATUS \"a\"\rb\nSTATUS \"a\"\r\nSTATUS \"\\x4\n\"\n",
		"STATUS \"\\x\nSTATUS \"\\x4\nSTATUS \"\\\nSTATUS \"\nPING\r\r\n\r\r\n\rPING\r \n",
		"PING " + strings.Repeat("a ", 31) + "\nPING " + strings.Repeat("a ", 32) + "\r\n",
		"STATUS " + strings.Repeat("n", LineMax-7) + "\r\nPING\n",
		"STATUS " + strings.Repeat("n", LineMax-6) + "\nPING\n",
		"STATUS \"" + strings.Repeat("\\n", LineMax/2-5) + "\"\r\nPING\n",
		"STATUS \"\\n" + strings.Repeat("n", LineMax+20) + "\"\r\nPING\n",
		"@t1 STATUS " + strings.Repeat("n", LineMax) + "\nPING\n",
		strings.Repeat(" ", LineMax-2) + "@t1 PING" + strings.Repeat(" ", LineMax) + "\n",
		strings.Repeat(" ", LineMax) + "\r\n" + strings.Repeat(" ", LineMax+1) + "\n",
		"PING\n*1\r\n$4\r\nPING\r\nPING\n*0\r\n\n*",
		"ACQUIRE a b 000000000\nACQUIRE  a b 0\nACQUIRE a b 0 \nACQUIRE a b 86400001\nACQUIRE a b 86400000\r\nACQUIRE a b 0x\nACQUIRE a b \n",
		"RELEASE a b \nRELEASE a b c\nRELEASE a\nRELEASE \nHEARTBEAT a b\r\nHEARTBEAT a\tb\nHEARTBEAT a! b#\r\r\n",
		"RELEASE " + strings.Repeat("n", NameMax) + " " + strings.Repeat("s", ServiceMax) + "\nRELEASE " + strings.Repeat("n", NameMax+1) +
			" s\nRELEASE n " + strings.Repeat("s", ServiceMax+1) + "\n",
	} {
		f.Add([]byte(s), []byte{1}, false)
		f.Add([]byte(s), []byte{3, 1, 9}, true)
	}
	f.Fuzz(func(t *testing.T, input, cuts []byte, preAuth bool) {
		checkPieces(t, input, cuts, preAuth)
		checkBatch(t, input, preAuth)
		for line := range bytes.SplitAfterSeq(input, []byte("\n")) {
			checkBothWays(t, line, preAuth)
		}
	})
}

// checkBothWays decodes a line as it is, and after a tab, which bareLine never accepts. It
// compares the two.
func checkBothWays(t *testing.T, line []byte, preAuth bool) {
	if len(line) == 0 || len(line) >= LineMax || line[0] == '*' || line[0] == 0x16 {
		return
	}
	plain := decodeAll(t, line, nil, preAuth)
	tabbed := decodeAll(t, append([]byte("\t"), line...), nil, preAuth)
	if last := len(tabbed) - 1; tabbed[last] == fmt.Sprint("left ", len(line)+1) {
		tabbed[last] = fmt.Sprint("left ", len(line))
	}
	if strings.Join(plain, "\n") != strings.Join(tabbed, "\n") {
		t.Fatalf("line %q\nas it is:\n%s\nbehind a tab:\n%s", line, strings.Join(plain, "\n"), strings.Join(tabbed, "\n"))
	}
}

// FuzzRESP is FuzzText for arrays.
func FuzzRESP(f *testing.F) {
	for _, s := range []string{
		frame("ACQUIRE", "a", "b", "0") + frame("release", "a", "b", "token", "9"),
		frame("ACQUIRE", "a", "b", "9", "DETECT") + frame("ACQUIRE", "a", "b", "9", "PERMITS", "3", "detect"),
		frame("ACQUIRE", "a", "b", "9", "FRESH", "QUEUE", "3") + frame("RELEASE", "a", "b", "ALL") + frame("RELEASE", "a", "b", "ALL", "TOKEN", "1"),
		frame("ACQUIRE", "a", "b", "9", "REQ", "1") + frame("RELEASE", "a", "b", "REQ", strings.Repeat("r", ReqMax), "TOKEN", "4") + frame("RELEASE", "a", "b", "REQ", strings.Repeat("r", ReqMax+1)),
		frame("CANCEL", "@t") + frame("CANCEL", "a", "b", "REQ", "1") + frame("OUTCOME", "a", "b", "REQ", ""),
		frame("RELEASE", "a", "b") + frame("HEARTBEAT", "a", "b") + frame("ACQUIRE", "", "b", "0") + frame("RELEASE", "a", "") + frame("ACQUIRE", "a", "b", "x"),
		frame("RELEASE", strings.Repeat("n", 99), strings.Repeat("s", 100)) + frame("ACQUIRE", "a", strings.Repeat("s", ServiceMax+1), "0"),
		"*3\r\n$7\r\nRELEASE\r\n$1\r\na\r\n$01\r\nb\r\n*3\r\n$7\r\nRELEASE\r\n$x\r\na\r\n$1\r\nb\r\n",
		frame("HELLO", "3", "AUTH", "u", "t") + frame("CLIENT", "SETINFO", "LIB-NAME", "x") + frame("PING"),
		frame("LOCKS", "PREFIX", "", "CONTENDED") + "*0\r\n*-1\r\n" + frame("ECHO", "\r\n$1\r\n"),
		frame("") + frame("nope") + frame("GET", "x") + "GET / HTTP/1.1\r\n",
		"*1\r\n$4\r\nPINGxx", "*1\r\n$4\r\nPING\rx", "*1\r\n:4\r\n", "*1\r\n$-1\r\n", "*\r\n", "*1\n", "*1x",
		"*00000000000000001\r\n", "*-\r\n", "*--1\r\n", "*-0\r\n", "*1\r\n$-0\r\n\r\n", "*33\r\n", "*9\r\n", "*1\r\n$8193\r\n",
		"*1\r\n$999999999999\r\n", "*2\r\n$4\r\nECHO\r\n$1025\r\n" + strings.Repeat("x", 1025) + "\r\n",
		"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
		frame("ECHO", strings.Repeat("x", LineMax)),
		"*32\r\n" + strings.Repeat("$8192\r\n"+strings.Repeat("x", 8192)+"\r\n", 8),
		frameUpTo(FrameMax-3) + "$0000000001\r\nx\r\n", frameUpTo(FrameMax-3) + "$00x",
	} {
		f.Add([]byte(s), []byte{1}, false)
		f.Add([]byte(s), []byte{5, 2, 40}, true)
	}
	f.Fuzz(func(t *testing.T, input, cuts []byte, preAuth bool) {
		checkPieces(t, input, cuts, preAuth)
		checkBatch(t, input, preAuth)
	})
}

// checkPieces decodes the input whole and in pieces of the lengths in cuts, and compares.
func checkPieces(t *testing.T, input, cuts []byte, preAuth bool) {
	if len(input) > 4*FrameMax {
		t.Skip("longer than any case of interest")
	}
	whole := decodeAll(t, input, nil, preAuth)
	pieces := decodeAll(t, input, cuts, preAuth)
	if strings.Join(whole, "\n") != strings.Join(pieces, "\n") {
		t.Fatalf("input %q\nwhole:\n%s\npieces %v:\n%s", input, strings.Join(whole, "\n"), cuts, strings.Join(pieces, "\n"))
	}
}

// decodeAll decodes the input like a connection: the rest of one read is presented again with the
// next. It returns the results and the length of the final rest. Without cuts there is one read.
func decodeAll(t *testing.T, input, cuts []byte, preAuth bool) (found []string) {
	t.Helper()
	d, cmd := Decoder{PreAuth: preAuth}, Command{}
	read, taken, reads := 0, 0, 0
	for read < len(input) {
		if len(cuts) == 0 {
			read = len(input)
		} else {
			// Squared, so that not all long inputs are read in thousands of pieces.
			size := int(cuts[reads%len(cuts)])
			read = min(len(input), read+max(1, size*size/16, len(input)/1000))
			reads++
		}
		for {
			b := bytes.Clone(input[taken:read])
			b = b[:len(b):len(b)]
			n, st := d.Decode(b, &cmd)
			checkStep(t, b, input[taken:read], n, st)
			if st == Incomplete {
				break
			}
			taken += n
			found = append(found, describe(&d, &cmd, st))
			if st == Ready {
				checkRoundTrip(t, &d, &cmd)
			}
			if st == Fatal {
				return found
			}
		}
	}
	return append(found, fmt.Sprint("left ", len(input)-taken))
}

// checkStep checks the promises of Decode for one call.
func checkStep(t *testing.T, b, original []byte, n int, st Status) {
	t.Helper()
	if !bytes.Equal(b, original) {
		t.Fatalf("Decode modified its input: %q is now %q", original, b)
	}
	if st != Incomplete {
		if n < 1 || n > len(b) {
			t.Fatalf("status %d took %d of %d bytes of %q", st, n, len(b), b)
		}
		return
	}
	limit := LineMax + 1 // a whole line and its \r
	if len(b) > 0 && b[0] == '*' {
		limit = FrameMax - 1 // a whole frame is Ready or too big
	}
	if n != 0 || len(b) > limit {
		t.Fatalf("Incomplete took %d of %d bytes of %.100q", n, len(b), b)
	}
}

// describe writes the result of a call of Decode, with all fields that are valid.
func describe(d *Decoder, cmd *Command, st Status) string {
	var s strings.Builder
	switch st {
	case Blank:
		return "blank"
	case Bad, Fatal:
		p := d.Problem()
		word := "bad"
		if st == Fatal {
			word = "fatal"
		}
		fmt.Fprintf(&s, "%s %s %s", word, p.Code, p.Msg)
		if cmd.Tag != nil {
			fmt.Fprintf(&s, " @%s", cmd.Tag)
		}
		return s.String()
	case Ready:
	default:
		panic(fmt.Sprint("status ", st))
	}
	s.WriteString(cmd.Verb.String())
	if cmd.Tag != nil {
		fmt.Fprintf(&s, " @%s", cmd.Tag)
	}
	switch cmd.Verb {
	case VerbAcquire:
		fmt.Fprintf(&s, " %q %q %d", cmd.Name, cmd.Service, cmd.WaitMs)
	case VerbUpgrade:
		fmt.Fprintf(&s, " %q %q %d", cmd.Name, cmd.Service, cmd.WaitMs)
	case VerbCancel:
		if cmd.Has(OptReq) {
			fmt.Fprintf(&s, " %q %q", cmd.Name, cmd.Service)
		}
	case VerbRelease, VerbHeartbeat, VerbDowngrade, VerbOutcome:
		fmt.Fprintf(&s, " %q %q", cmd.Name, cmd.Service)
	case VerbTop:
		fmt.Fprintf(&s, " by=%s", cmd.By)
	case VerbOwner:
		fmt.Fprintf(&s, " %q", cmd.Service)
	case VerbDisconnect:
		fmt.Fprintf(&s, " %d", cmd.Number)
	case VerbStatus, VerbHolders, VerbForceRelease, VerbWaiters:
		fmt.Fprintf(&s, " %q", cmd.Name)
	case VerbInfo, VerbHello, VerbClient, VerbCommand, VerbConfig, VerbSelect, VerbReset,
		VerbMulti, VerbExec, VerbDiscard, VerbWatch, VerbUnwatch, VerbNotify:
		fmt.Fprintf(&s, " %q", cmd.Args)
	}
	describeOptions(&s, cmd)
	return s.String()
}

func describeOptions(s *strings.Builder, cmd *Command) {
	for opt := OptToken; opt != 0; opt <<= 1 {
		if !cmd.Has(opt) {
			continue
		}
		switch opt {
		case OptToken:
			fmt.Fprintf(s, " token=%d", cmd.Token)
		case OptCount:
			fmt.Fprintf(s, " count=%d", cmd.Count)
		case OptTTL:
			fmt.Fprintf(s, " ttl=%d", cmd.TTLMs)
		case OptMeta:
			fmt.Fprintf(s, " meta=%q", cmd.Text)
		case OptReason:
			fmt.Fprintf(s, " reason=%q", cmd.Text)
		case OptPrefix:
			fmt.Fprintf(s, " prefix=%q", cmd.Name)
		case OptHeld:
			s.WriteString(" held")
		case OptContended:
			s.WriteString(" contended")
		case OptLimit:
			fmt.Fprintf(s, " limit=%d", cmd.Limit)
		case OptCursor:
			fmt.Fprintf(s, " cursor=%q", cmd.Text)
		case OptSince:
			fmt.Fprintf(s, " since=%d", cmd.Number)
		case OptOn:
			s.WriteString(" on")
		case OptText:
			fmt.Fprintf(s, " text=%q", cmd.Text)
		case OptFresh:
			s.WriteString(" fresh")
		case OptReq:
			fmt.Fprintf(s, " req=%q", cmd.Req)
		case OptQueue:
			fmt.Fprintf(s, " queue=%d", cmd.Queue)
		case OptPong:
			s.WriteString(" pong")
		case OptAll:
			s.WriteString(" all")
		case OptShared:
			s.WriteString(" shared")
		case OptPermits:
			fmt.Fprintf(s, " permits=%d", cmd.Permits)
		}
	}
}

// frame is the RESP form of a command.
func frame(words ...string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&s, "$%d\r\n%s\r\n", len(w), w)
	}
	return s.String()
}

// frameUpTo is the beginning of an array of 32, of that many bytes, cut after a whole bulk string.
func frameUpTo(size int) string {
	s := "*32\r\n" + strings.Repeat("$8000\r\n"+strings.Repeat("n", 8000)+"\r\n", size/8100)
	rest := size - len(s) - len("$7000\r\n\r\n")
	return s + fmt.Sprintf("$%04d\r\n%s\r\n", rest, strings.Repeat("n", rest))
}
