package codec

import (
	"strings"
	"testing"
)

const (
	tooMany    = "bad TOOBIG too many words in one command"
	quoteBad   = "bad BADARG " + quoteProblem
	lineTooBig = "fatal TOOBIG line of more than 8192 bytes"
)

func n(count int) string { return strings.Repeat("n", count) }

// inWordsOfRedis returns the problem of an unknown command in RESP, which repeats the arguments.
func inWordsOfRedis(want string, words []string) string {
	args := ", with args beginning with: "
	for _, w := range words[1:] {
		args += "'" + w + "' "
	}
	if command, near, ok := strings.Cut(want, ", did"); ok {
		return command + args + "did" + near
	}
	return want + args
}

// TestMalformedCommands has commands with wrong words, in both forms.
func TestMalformedCommands(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"SHARED and PERMITS", "ACQUIRE a b 0 SHARED PERMITS 2", "BADARG a lock is SHARED or has PERMITS, not both"},
		{"no permits", "ACQUIRE a b 0 PERMITS 0", "BADARG PERMITS must be a number from 1 to 1000000"},
		{"too many permits", "ACQUIRE a b 0 PERMITS 1000001", "BADARG PERMITS must be a number from 1 to 1000000"},
		{"SHARED twice", "ACQUIRE a b 0 SHARED SHARED", "BADARG an option is given twice"},
		{"a heartbeat with SHARED and no TOKEN", "HEARTBEAT a b SHARED", "BADARG SHARED and PERMITS need the TOKEN of the hold that they are about"},
		{"a heartbeat with SHARED and PERMITS", "HEARTBEAT a b TOKEN 1 SHARED PERMITS 2", "BADARG a lock is SHARED or has PERMITS, not both"},
		{"a count above the permits", "HEARTBEAT a b TOKEN 1 PERMITS 2 COUNT 3", "BADARG COUNT can't be more than PERMITS"},
		{"SHARED with RELEASE", "RELEASE a b SHARED", "BADARG unknown option 'SHARED': RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"UPGRADE without timeout_ms", "UPGRADE a b", "BADARG UPGRADE takes <lock> <service> <timeout_ms> [TOKEN <n>]"},
		{"UPGRADE with a word as timeout_ms", "UPGRADE a b TOKEN 1", "BADARG timeout_ms must be a number from 0 to 86400000"},
		{"DOWNGRADE with timeout_ms", "DOWNGRADE a b 5", "BADARG unknown option '5': DOWNGRADE takes <lock> <service> [TOKEN <n>]"},
		{"HOLDERS of two locks", "HOLDERS a b", "BADARG HOLDERS takes <lock>"},
		{"acquire without a timeout", "ACQUIRE a b", "BADARG ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"acquire without anything", "acquire", "BADARG ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"release without a service", "RELEASE a", "BADARG RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"heartbeat without a service", "HEARTBEAT a", "BADARG HEARTBEAT takes <lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]"},
		{"status without a lock", "STATUS", "BADARG STATUS takes <lock>"},
		{"status of two locks", "STATUS a b", "BADARG STATUS takes <lock>"},
		{"forced release without a lock", "FORCE-RELEASE", "BADARG FORCE-RELEASE takes <lock> [TOKEN <n>] [REASON <text>]"},
		{"auth without a token", "AUTH", "BADARG AUTH takes <token>"},
		{"detail without an argument", "DETAIL", "BADARG DETAIL takes ON|OFF"},
		{"detail with another word", "DETAIL maybe", "BADARG DETAIL takes ON|OFF"},
		{"detail with two words", "DETAIL ON OFF", "BADARG DETAIL takes ON|OFF"},
		{"help on two commands", "HELP a b", "BADARG HELP takes [command|ERRORS]"},
		{"quit with an argument", "QUIT now", "BADARG QUIT takes no arguments"},
		{"an option without a value", "ACQUIRE a b 0 TTL", "BADARG ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"a second option without a value", "HEARTBEAT a b TTL 100 TOKEN", "BADARG HEARTBEAT takes <lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]"},
		{"an option of no command", "RELEASE a b NOPE 1", "BADARG unknown option 'NOPE': RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"a long option is cut", "RELEASE a b " + n(40) + " 1", "BADARG unknown option '" + n(32) + "...': RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"TTL with RELEASE", "RELEASE a b TTL 100", "BADARG unknown option 'TTL': RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"TOKEN with ACQUIRE", "ACQUIRE a b 0 TOKEN 1", "BADARG unknown option 'TOKEN': ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"META with HEARTBEAT", "HEARTBEAT a b META m", "BADARG unknown option 'META': HEARTBEAT takes <lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]"},
		{"META with FORCE-RELEASE", "FORCE-RELEASE a META m", "BADARG unknown option 'META': FORCE-RELEASE takes <lock> [TOKEN <n>] [REASON <text>]"},
		{"TTL with LOCKS", "LOCKS TTL 100", "BADARG unknown option 'TTL': LOCKS takes [PREFIX <p>] [HELD|CONTENDED] [LIMIT <n>] [CURSOR <c>]"},
		{"TTL twice", "ACQUIRE a b 0 TTL 100 TTL 100", "BADARG an option is given twice"},
		{"META twice", "ACQUIRE a b 0 META 1 TTL 100 meta 2", "BADARG an option is given twice"},
		{"TOKEN twice", "RELEASE a b TOKEN 1 TOKEN 1", "BADARG an option is given twice"},
		{"REASON twice", "FORCE-RELEASE a REASON 1 REASON 1", "BADARG an option is given twice"},
		{"PREFIX twice", "LOCKS PREFIX a PREFIX a", "BADARG an option is given twice"},
		{"HELD twice", "LOCKS HELD HELD", "BADARG LOCKS takes HELD or CONTENDED, once"},
		{"HELD and CONTENDED", "LOCKS HELD LIMIT 1 CONTENDED", "BADARG LOCKS takes HELD or CONTENDED, once"},
		{"FRESH twice", "ACQUIRE a b 0 FRESH TTL 100 fresh", "BADARG an option is given twice"},
		{"ALL twice", "RELEASE a b ALL TOKEN 1 ALL", "BADARG an option is given twice"},
		{"DETECT twice", "ACQUIRE a b 9 DETECT detect", "BADARG an option is given twice"},
		{"DETECT with RELEASE", "RELEASE a b DETECT", "BADARG unknown option 'DETECT': RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"FRESH with HEARTBEAT", "HEARTBEAT a b FRESH", "BADARG unknown option 'FRESH': HEARTBEAT takes <lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]"},
		{"ALL with ACQUIRE", "ACQUIRE a b 0 ALL", "BADARG unknown option 'ALL': ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"REQ without a value", "RELEASE a b REQ", "BADARG RELEASE takes <lock> <service> [TOKEN <n>] [ALL] [REQ <id>]"},
		{"REQ with an empty id", `ACQUIRE a b 0 REQ ""`, "BADARG REQ needs an id of 1 to 64 bytes"},
		{"REQ with a long id", "ACQUIRE a b 0 REQ " + n(65), "TOOBIG the id of REQ has at most 64 bytes"},
		{"REQ with HEARTBEAT", "HEARTBEAT a b REQ 1", "BADARG unknown option 'REQ': HEARTBEAT takes <lock> <service> [TOKEN <n> [COUNT <c>] [SHARED|PERMITS <n>]] [TTL <ms>]"},
		{"CANCEL of a name", "CANCEL a", "BADARG CANCEL takes @<tag> | <lock> <service> REQ <id>"},
		{"CANCEL without an id", "CANCEL a b REQ", "BADARG CANCEL takes @<tag> | <lock> <service> REQ <id>"},
		{"CANCEL with another option", "CANCEL a b TOKEN 1", "BADARG unknown option 'TOKEN': CANCEL takes @<tag> | <lock> <service> REQ <id>"},
		{"OUTCOME of a tag", "OUTCOME @t", "BADARG OUTCOME takes <lock> <service> REQ <id>"},
		{"QUEUE without a value", "ACQUIRE a b 0 QUEUE", "BADARG ACQUIRE takes <lock> <service> <timeout_ms> [TTL <ms>] [SHARED|PERMITS <n>] [REQ <id>] [META <text>] [FRESH] [QUEUE <n>] [DETECT]"},
		{"QUEUE with a word", "ACQUIRE a b 0 QUEUE FRESH", "BADARG QUEUE must be a number from 0 to 2147483647"},
		{"QUEUE beyond its range", "ACQUIRE a b 0 QUEUE 2147483648", "BADARG QUEUE must be a number from 0 to 2147483647"},
		{"an empty lock name", `STATUS ""`, "BADARG the lock name is empty"},
		{"an empty lock name to acquire", `ACQUIRE "" b 0`, "BADARG the lock name is empty"},
		{"an empty service", `RELEASE a ""`, "BADARG the service id is empty"},
		{"an unknown command", "FOOBAR a", "UNKNOWN unknown command 'FOOBAR'"},
		{"an empty command", `"" a`, "UNKNOWN unknown command ''"},
		{"an unknown command of other bytes", "a'\x01\xff", "UNKNOWN unknown command 'a???'"},
		{"a long unknown command is cut", n(33), "UNKNOWN unknown command '" + n(32) + "...'"},
		{"an unknown command of 32 bytes", n(32), "UNKNOWN unknown command '" + n(32) + "'"},
		{"a letter is missing", "aquire a b 0", "UNKNOWN unknown command 'aquire', did you mean ACQUIRE?"},
		{"a letter too many", "PINGG", "UNKNOWN unknown command 'PINGG', did you mean PING?"},
		{"another letter", "STATUZ a", "UNKNOWN unknown command 'STATUZ', did you mean STATUS?"},
		{"the beginning of a command", "heart a b", "UNKNOWN unknown command 'heart', did you mean HEARTBEAT?"},
		{"too short for a guess", "PI", "UNKNOWN unknown command 'PI'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecoded(t, c.line+"\n", false, "bad "+c.want)
			wantDecoded(t, "@t "+c.line+"\r\n", false, "bad "+c.want+" @t")
			words := strings.Fields(c.line)
			for i := range words {
				words[i] = strings.Trim(words[i], `"`)
			}
			want := "bad " + c.want
			if strings.HasPrefix(c.want, "UNKNOWN ") {
				want = inWordsOfRedis(want, words)
			}
			wantDecoded(t, frame(words...), false, want)
		})
	}
}

func TestNumbers(t *testing.T) {
	const (
		wait  = "timeout_ms must be a number from 0 to 86400000"
		ttl   = "TTL must be a number from 100 to 86400000, in milliseconds"
		token = "TOKEN must be a number from 1 to 9007199254740991"
		limit = "LIMIT must be a number from 1 to 1000"
	)
	malformed := []string{`""`, "-1", "+1", "1.0", "0x1", "1e3", "x", "1x", "/", ":", "\u0661", "18446744073709551616",
		"18446744073709551617", "99999999999999999999", "9999999999999999999", "00000000000000000001", "100000000000000000000000"}
	for _, c := range []struct {
		name, line, want string
		bad              []string
	}{
		{"wait", "ACQUIRE a b ", wait, []string{"86400001", "4294967296"}},
		{"lease", "ACQUIRE a b 0 TTL ", ttl, []string{"0", "99", "86400001", "4294967396"}},
		{"lease of a heartbeat", "HEARTBEAT a b TTL ", ttl, []string{"99", "86400001"}},
		{"token", "RELEASE a b TOKEN ", token, []string{"0", "9007199254740992"}},
		{"token of a forced release", "FORCE-RELEASE a TOKEN ", token, []string{"0", "9007199254740992"}},
		{"limit", "LOCKS LIMIT ", limit, []string{"0", "1001"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, number := range append(c.bad, malformed...) {
				wantDecoded(t, c.line+number+"\n", false, "bad BADARG "+c.want)
				wantDecoded(t, frame(strings.Fields(c.line+strings.Trim(number, `"`))...), false, respNumberWant(c.line, number, c.want))
			}
		})
	}
}

// respNumberWant returns the answer to an array. strings.Fields has dropped an empty number, so a
// word is missing.
func respNumberWant(line, number, want string) string {
	if number == `""` {
		word, _, _ := strings.Cut(line, " ")
		doc, _ := DocOf([]byte(word))
		return "bad BADARG " + usageOf(doc.Verb)
	}
	return "bad BADARG " + want
}

func TestMalformedLines(t *testing.T) {
	for _, c := range []struct{ name, line, want string }{
		{"a quote that is not closed", `STATUS "a`, quoteBad},
		{"an escaped quote that is not closed", `STATUS "a\"`, quoteBad},
		{"a word behind a closing quote", `STATUS "a"b`, quoteBad},
		{"a word behind a closing quote with an escape", `STATUS "\n"b`, quoteBad},
		{"a carriage return behind a closing quote", "STATUS \"a\"\rb", quoteBad},
		{"a quote behind a quote", `STATUS "a""b"`, quoteBad},
		{"a quote inside a bare word", `STATUS a"b"`, "bad BADARG a quote inside a bare word: put the whole word in quotes"},
		{"an unknown escape", `STATUS "\q"`, quoteBad},
		{"an escape in upper case", `STATUS "\N"`, quoteBad},
		{"an escape at the end of the line", `STATUS "a\`, quoteBad},
		{"one hex digit", `STATUS "\x4"`, quoteBad},
		{"no hex digits", `STATUS "\xg0"`, quoteBad},
		{"hex digits cut off by the line", `STATUS "\x4`, quoteBad},
		{"hex cut off by the line", `STATUS "\x`, quoteBad},
		{"a quote problem behind a tag", `@t STATUS "`, quoteBad + " @t"},
		{"a quote inside a tag", `@t"x STATUS`, "bad BADARG a quote inside a bare word: put the whole word in quotes"},
		{"a tag of nothing", "@ PING", "bad BADARG a tag is @ and 1 to 32 of A-Z a-z 0-9 . _ -"},
		{"a tag of 33 bytes", "@" + n(33) + " PING", "bad BADARG a tag is @ and 1 to 32 of A-Z a-z 0-9 . _ -"},
		{"a tag with another byte", "@a:b PING", "bad BADARG a tag is @ and 1 to 32 of A-Z a-z 0-9 . _ -"},
		{"a second tag", "@a @b PING", "bad UNKNOWN unknown command '@b' @a"},
		{"a tag without a command", "@t", "bad BADARG a tag without a command @t"},
		{"33 words", "LOCKS" + strings.Repeat(" a", 32), tooMany},
		{"33 words behind a tag", "@t" + strings.Repeat(" a", 32), tooMany + " @t"},
		{"verbs of RESP are unknown", "ECHO x", "bad UNKNOWN unknown command 'ECHO'"},
		{"no guess of a verb of RESP", "SELEC x", "bad UNKNOWN unknown command 'SELEC'"},
		{"ping with a text", "PING x", "bad BADARG PING takes no arguments"},
		{"auth with a user", "AUTH user token", "bad BADARG AUTH takes <token>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantDecoded(t, c.line+"\n", false, c.want)
			wantDecoded(t, c.line+" \r\n", false, c.want)
			wantDecoded(t, c.line+"\r\n", false, c.want)
		})
	}
	for _, doc := range Docs {
		if doc.Verb >= VerbClient {
			var d Decoder
			var cmd Command
			_, st := d.Decode([]byte(doc.Name+" x\n"), &cmd)
			if st != Bad || d.Problem().Code != Unknown || cmd.Verb != VerbNone {
				t.Errorf("%s in text: %s", doc.Name, describe(&d, &cmd, st))
			}
		}
	}
}
