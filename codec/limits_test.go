package codec

import (
	"fmt"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	const (
		name    = "bad TOOBIG a lock name has at most 1024 bytes"
		service = "bad TOOBIG a service id has at most 256 bytes"
		meta    = "bad TOOBIG META and REASON have at most 512 bytes"
		prefix  = "bad TOOBIG a prefix has at most 1024 bytes"
		owners  = "bad TOOBIG a prefix of services has at most 256 bytes"
		req     = "bad TOOBIG the id of REQ has at most 64 bytes"
	)
	for _, c := range []struct {
		name  string
		max   int
		words []string // a word of "*" stands for the value
		over  string
	}{
		{"lock name", NameMax, []string{"STATUS", "*"}, name},
		{"lock name to acquire", NameMax, []string{"ACQUIRE", "*", "b", "0"}, name},
		{"lock name to release", NameMax, []string{"RELEASE", "*", "b"}, name},
		{"lock name to force", NameMax, []string{"FORCE-RELEASE", "*"}, name},
		{"service to acquire", ServiceMax, []string{"ACQUIRE", "a", "*", "0"}, service},
		{"service to release", ServiceMax, []string{"RELEASE", "a", "*"}, service},
		{"service of a heartbeat", ServiceMax, []string{"HEARTBEAT", "a", "*"}, service},
		{"META", MetaMax, []string{"ACQUIRE", "a", "b", "0", "META", "*"}, meta},
		{"REASON", MetaMax, []string{"FORCE-RELEASE", "a", "REASON", "*"}, meta},
		{"PREFIX", NameMax, []string{"LOCKS", "PREFIX", "*"}, prefix},
		{"prefix of WATCH", NameMax, []string{"WATCH", "*"}, prefix},
		{"prefix of UNWATCH", NameMax, []string{"UNWATCH", "*"}, prefix},
		{"prefix of NOTIFY", ServiceMax, []string{"NOTIFY", "*"}, owners},
		{"lock name to upgrade", NameMax, []string{"UPGRADE", "*", "b", "0"}, name},
		{"service of a downgrade", ServiceMax, []string{"DOWNGRADE", "a", "*"}, service},
		{"lock name of WAITERS", NameMax, []string{"WAITERS", "*"}, name},
		{"service of OWNER", ServiceMax, []string{"OWNER", "*"}, service},
		{"REQ of ACQUIRE", ReqMax, []string{"ACQUIRE", "a", "b", "0", "REQ", "*"}, req},
		{"REQ of RELEASE", ReqMax, []string{"RELEASE", "a", "b", "REQ", "*"}, req},
		{"REQ of CANCEL", ReqMax, []string{"CANCEL", "a", "b", "REQ", "*"}, req},
		{"REQ of OUTCOME", ReqMax, []string{"OUTCOME", "a", "b", "REQ", "*"}, req},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, over := fill(c.words, c.max), fill(c.words, c.max+1)
			for _, input := range []string{strings.Join(at, " ") + "\n", frame(at...)} {
				var d Decoder
				var cmd Command
				if _, st := d.Decode([]byte(input), &cmd); st != Ready {
					t.Errorf("at the limit: %s", describe(&d, &cmd, st))
				}
			}
			wantDecoded(t, strings.Join(over, " ")+"\n", false, c.over)
			wantDecoded(t, frame(over...), false, c.over)
		})
	}
}

// fill puts a value of that size where a word is "*".
func fill(words []string, size int) (filled []string) {
	for _, w := range words {
		filled = append(filled, strings.ReplaceAll(w, "*", n(size)))
	}
	return filled
}

func TestLineLimit(t *testing.T) {
	auth := func(size int) string { return "AUTH " + n(size-5) }
	ready := fmt.Sprintf("AUTH text=%q", n(LineMax-5))
	for _, c := range []struct{ name, input, want string }{
		{"at the limit", auth(LineMax) + "\n", ready},
		{"at the limit with a carriage return", auth(LineMax) + "\r\n", ready},
		{"at the limit, in quotes", `AUTH "` + n(LineMax-7) + "\"\r\n", fmt.Sprintf("AUTH text=%q", n(LineMax-7))},
		{"at the limit with an escape", `AUTH "\n` + n(LineMax-9) + "\"\r\n", fmt.Sprintf("AUTH text=%q", "\n"+n(LineMax-9))},
		{"at the limit, blank", strings.Repeat(" ", LineMax) + "\r\n", "blank"},
		{"at the limit with a problem", auth(LineMax-1) + "\"\r\n", "bad BADARG a quote inside a bare word: put the whole word in quotes"},
		{"beyond the limit", auth(LineMax+1) + "\n", lineTooBig},
		{"beyond the limit with a carriage return", auth(LineMax+1) + "\r\n", lineTooBig},
		{"beyond the limit, two carriage returns", auth(LineMax) + "\r\r\n", lineTooBig},
		{"beyond the limit, in quotes", `AUTH "` + n(LineMax-6) + "\"\r\n", lineTooBig},
		{"beyond the limit with an escape", `AUTH "\n` + n(LineMax-8) + "\"\r\n", lineTooBig},
		{"far beyond the limit with an escape", `AUTH "\n` + n(2*LineMax) + "\"\r\n", lineTooBig},
		{"beyond the limit, blank", strings.Repeat(" ", LineMax+1) + "\n", lineTooBig},
		{"beyond the limit with a problem", auth(LineMax) + "\"\r\n", lineTooBig},
		{"beyond the limit with HTTP", "GET " + n(LineMax) + "\r\n", lineTooBig},
		{"beyond the limit behind a tag", "@t STATUS " + n(LineMax) + "\r\n", lineTooBig + " @t"},
		{"beyond the limit behind a tag, in quotes", "@t STATUS \"" + n(LineMax) + "\"\r\n", lineTooBig + " @t"},
		{"beyond the limit behind a tag, with a problem", "@t STATUS \"\\q" + n(LineMax) + "\"\r\n", lineTooBig + " @t"},
		{"without an end behind blanks and a tag", " \t@t\tSTATUS " + n(LineMax+2), lineTooBig + " @t"},
		{"without an end behind a tag that is none", "@t! STATUS " + n(LineMax+2), lineTooBig},
		{"without an end behind a quoted tag", "\"@t\" STATUS " + n(LineMax+2), lineTooBig},
		{"beyond the limit with the tag too far behind", strings.Repeat(" ", LineMax) + "@t PING\n", lineTooBig},
		{"beyond the limit with the limit inside the tag", strings.Repeat(" ", LineMax-3) + "@tag PING\n", lineTooBig},
		{"without an end", n(LineMax + 2), lineTooBig},
		{"without an end, in quotes", `"` + n(LineMax+1), lineTooBig},
		{"without an end, in quotes with an escape", `"\n` + n(LineMax), lineTooBig},
		{"without an end, with a problem", `"\q` + n(LineMax), lineTooBig},
		{"too long, with more behind it", n(LineMax+2) + "\nPING\n", "fatal TOOBIG line of more than 8192 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decoder
			var cmd Command
			size, st := d.Decode([]byte(c.input), &cmd)
			if got := describe(&d, &cmd, st); got != c.want || size < 1 || size > len(c.input) {
				t.Errorf("took %d of %d\ngot  %.100s\nwant %.100s", size, len(c.input), got, c.want)
			}
			if size, st := d.Decode([]byte(c.input)[:LineMax+1], &cmd); len(c.input) > LineMax+1 && (st != Incomplete || size != 0) &&
				c.input[LineMax] != '\n' {
				t.Errorf("before the limit is passed: status %d, took %d", st, size)
			}
		})
	}
}

func TestWordLimit(t *testing.T) {
	words := []string{"COMMAND"}
	for len(words) < ArgsMax {
		words = append(words, "a")
	}
	if got := describeOne(t, frame(words...), false); got != fmt.Sprintf("COMMAND %q", words[1:]) {
		t.Errorf("32 words in an array: %s", got)
	}
	wantDecoded(t, frame(append(words, "a")...), false, "fatal TOOBIG too many arguments in one command")
	line := "STATUS" + strings.Repeat(" a", ArgsMax-1)
	wantDecoded(t, line+"\n", false, "bad BADARG STATUS takes <lock>")
	wantDecoded(t, line+" \t\r\n", false, "bad BADARG STATUS takes <lock>")
	wantDecoded(t, line+" a\r\n", false, tooMany)
}

func TestLimitsBeforeAUTH(t *testing.T) {
	const wordTooBig = "fatal TOOBIG a word is longer than 1024 bytes before AUTH"
	for _, c := range []struct{ name, input, want string }{
		{"8 words", "STATUS" + strings.Repeat(" a", 7) + "\n", "bad BADARG STATUS takes <lock>"},
		{"9 words", "STATUS" + strings.Repeat(" a", 8) + "\n", "fatal TOOBIG too many words in one command before AUTH"},
		{"a word of 1024 bytes", "AUTH " + n(1024) + "\n", "AUTH text=\"" + n(1024) + `"`},
		{"a word of 1025 bytes", "AUTH " + n(1025) + "\n", wordTooBig},
		{"a quoted word of 1025 bytes", `AUTH "` + n(1025) + "\"\n", wordTooBig},
		{"an escaped word of 1025 bytes", `AUTH "\n` + n(1024) + "\"\n", wordTooBig},
		{"a verb of 1025 bytes", n(1025) + "\n", wordTooBig},
		{"9 words, one a tag", "@t STATUS" + strings.Repeat(" a", 7) + "\n", "fatal TOOBIG too many words in one command before AUTH @t"},
		{"a word of 1025 bytes behind a tag", "@t AUTH " + n(1025) + "\n", wordTooBig + " @t"},
		{"a quote problem", "AUTH \"\n", quoteBad},
		{"8 arguments", frame("HELLO", "3", "AUTH", "u", "t", "SETNAME", "n", "x"), `HELLO ["3" "AUTH" "u" "t" "SETNAME" "n" "x"]`},
		{"9 arguments", "*9\r\n", "fatal TOOBIG too many arguments in one command"},
		{"an argument of 1024 bytes", frame("AUTH", n(1024)), "AUTH text=\"" + n(1024) + `"`},
		{"an argument of 1025 bytes", "*2\r\n$4\r\nAUTH\r\n$1025\r\n", "fatal TOOBIG an argument is longer than 1024 bytes before AUTH"},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecoded(t, c.input, true, c.want) })
	}
}

func TestArrayLimits(t *testing.T) {
	bulk := func(size int) string { return fmt.Sprintf("$%d\r\n%s\r\n", size, n(size)) }
	if got := describeOne(t, frame("ECHO", n(LineMax)), false); got != fmt.Sprintf("ECHO text=%q", n(LineMax)) {
		t.Errorf("an argument at the limit: %.100s", got)
	}
	// 4 bytes of array header, 13 of the verb and 7 times 8200 make 57417.
	big := "*9\r\n$7\r\nCOMMAND\r\n" + strings.Repeat(bulk(LineMax), 7)
	rest := FrameMax - len(big) - len("$8100\r\n\r\n")
	if got := describeOne(t, big+bulk(rest), false); !strings.HasPrefix(got, `COMMAND ["nnn`) {
		t.Errorf("a command at the limit: %.100s", got)
	}
	for _, c := range []struct{ name, input, want string }{
		{"an argument beyond the limit", "*2\r\n$4\r\nECHO\r\n$8193\r\n", "TOOBIG an argument is longer than 8192 bytes"},
		{"an argument far beyond the limit", "*1\r\n$999999999999\r\n", "TOOBIG an argument is longer than 8192 bytes"},
		{"a command beyond the limit", big + fmt.Sprintf("$%d\r\n", rest+1), "TOOBIG command of more than 65536 bytes"},
		{"a header that is not whole at the limit", frameUpTo(FrameMax-3) + "$00", "TOOBIG command of more than 65536 bytes"},
		{"no room for another header", frameUpTo(FrameMax), "TOOBIG command of more than 65536 bytes"},
		{"arguments beyond the limit", "*33\r\n", "TOOBIG too many arguments in one command"},
		{"arguments far beyond the limit", "*999999999999\r\n", "TOOBIG too many arguments in one command"},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecoded(t, c.input, false, "fatal "+c.want) })
	}
}

// TestNothingBehindFrameLimitCounts has an error only after the limit. Read whole or in pieces,
// the frame is too big.
func TestNothingBehindFrameLimitCounts(t *testing.T) {
	for _, tail := range []string{"$00", "$00x", "$00x\r\n", "$001\r\nx\r\n", "$00\r\n\r\n"} {
		var d Decoder
		var cmd Command
		input := []byte(frameUpTo(FrameMax-3) + tail)
		size, st := d.Decode(input, &cmd)
		if got := describe(&d, &cmd, st); got != "fatal TOOBIG command of more than 65536 bytes" || size != FrameMax {
			t.Errorf("with %q at the limit: took %d, %s", tail, size, got)
		}
		if size, st := d.Decode(input[:FrameMax-1], &cmd); size != 0 || st != Incomplete {
			t.Errorf("before the limit: took %d, status %d", size, st)
		}
	}
}

func TestBrokenArrays(t *testing.T) {
	const length = "BADARG Protocol error: invalid length"
	const ended = "BADARG Protocol error: a bulk string is not ended by CRLF"
	for _, c := range []struct{ name, input, want string }{
		{"no number", "*\r\n", length},
		{"no number, seen early", "*\r", length},
		{"no digits behind the sign", "*-\r\n", length},
		{"two signs", "*--1\r\n", length},
		{"a plus sign", "*+1\r\n", length},
		{"a blank in the number", "*1 \r\n", length},
		{"a letter in the number", "*1x\r\n", length},
		{"a line without a carriage return", "*1\n", length},
		{"a carriage return without a line", "*1\rx", length},
		{"a number too long", "*0000000000001", length},
		{"a negative argument", "*1\r\n$-1\r\n", "BADARG Protocol error: negative length of a bulk string"},
		{"an argument that is no bulk string", "*1\r\n:1\r\n", "BADARG Protocol error: expected '$'"},
		{"an array in an array", "*1\r\n*1\r\n", "BADARG Protocol error: expected '$'"},
		{"an argument longer than said", "*1\r\n$4\r\nPINGG", ended},
		{"an argument ended by another byte and a newline", "*1\r\n$4\r\nPINGx\n", ended},
		{"an argument ended by a newline", "*1\r\n$4\r\nPING\n", ended},
		{"an argument ended by a carriage return alone", "*1\r\n$4\r\nPING\rx", ended},
		{"an argument shorter than said", "*1\r\n$4\r\nPIN\r\n*1", ended},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecoded(t, c.input, false, "fatal "+c.want) })
	}
}

// describeOne decodes one command, without the cuts of wantDecoded.
func describeOne(t *testing.T, input string, preAuth bool) string {
	t.Helper()
	d, cmd := Decoder{PreAuth: preAuth}, Command{}
	size, st := d.Decode([]byte(input), &cmd)
	if size != len(input) {
		t.Errorf("took %d of %d bytes", size, len(input))
	}
	return describe(&d, &cmd, st)
}
