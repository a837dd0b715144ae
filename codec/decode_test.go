package codec

import (
	"bytes"
	"strings"
	"testing"
)

// commands are commands of both forms: the line, and its meaning.
var commands = []struct{ name, line, want string }{
	{"acquire without options", "ACQUIRE a b 0", `ACQUIRE "a" "b" 0`},
	{"acquire in lower case", "acquire A B 10", `ACQUIRE "A" "B" 10`},
	{"acquire in mixed case with all options", "aCqUiRe a b 1 tTl 100 fResh Meta m Queue 7", `ACQUIRE "a" "b" 1 ttl=100 meta="m" fresh queue=7`},
	{"acquire that takes no re-entry", "ACQUIRE a b 1 FRESH", `ACQUIRE "a" "b" 1 fresh`},
	{"acquire that waits behind nobody", "ACQUIRE a b 5000 QUEUE 0", `ACQUIRE "a" "b" 0 queue=0`},
	{"acquire that waits behind most", "ACQUIRE a b 5000 QUEUE 2147483647", `ACQUIRE "a" "b" 5000 queue=2147483647`},
	{"names like options", "ACQUIRE FRESH QUEUE 1 META FRESH", `ACQUIRE "FRESH" "QUEUE" 1 meta="FRESH"`},
	{"options in the other order", "ACQUIRE a b 1 META m TTL 100", `ACQUIRE "a" "b" 1 ttl=100 meta="m"`},
	{"the longest wait", "ACQUIRE a b 86400000", `ACQUIRE "a" "b" 86400000`},
	{"a number with leading zeros", "ACQUIRE a b 0000000000000000007", `ACQUIRE "a" "b" 7`},
	{"the longest lease", "ACQUIRE a b 1 TTL 86400000", `ACQUIRE "a" "b" 1 ttl=86400000`},
	{"an empty META", `ACQUIRE a b 1 META ""`, `ACQUIRE "a" "b" 1 meta=""`},
	{"an option name as a value", "ACQUIRE META TTL 1 META TTL", `ACQUIRE "META" "TTL" 1 meta="TTL"`},
	{"acquire that may be repeated", "ACQUIRE a b 1 REQ 7", `ACQUIRE "a" "b" 1 req="7"`},
	{"acquire with the longest id", "ACQUIRE a b 1 req " + strings.Repeat("i", ReqMax) + " TTL 100", `ACQUIRE "a" "b" 1 ttl=100 req="` + strings.Repeat("i", ReqMax) + `"`},
	{"release that may be repeated", "RELEASE a b REQ 7 TOKEN 3", `RELEASE "a" "b" token=3 req="7"`},
	{"cancel of a tag", "CANCEL @t.1", `CANCEL text="@t.1"`},
	{"cancel of a request", "cancel a b req 7", `CANCEL "a" "b" req="7"`},
	{"outcome of a request", "OUTCOME a b Req 7", `OUTCOME "a" "b" req="7"`},
	{"release", "RELEASE a b", `RELEASE "a" "b"`},
	{"release with the largest token", "release a b token 9007199254740991", `RELEASE "a" "b" token=9007199254740991`},
	{"release of all counts", "RELEASE a b all", `RELEASE "a" "b" all`},
	{"release of all counts of a hold", "RELEASE a b ALL TOKEN 5", `RELEASE "a" "b" token=5 all`},
	{"release of names like options", "RELEASE ALL TOKEN", `RELEASE "ALL" "TOKEN"`},
	{"heartbeat", "HEARTBEAT a b", `HEARTBEAT "a" "b"`},
	{"heartbeat with all options", "HeartBeat a b Ttl 5000 Token 1", `HEARTBEAT "a" "b" token=1 ttl=5000`},
	{"shared", "acquire a b 0 shared", `ACQUIRE "a" "b" 0 shared`},
	{"a permit", "acquire a b 0 permits 1000000 fresh", `ACQUIRE "a" "b" 0 fresh permits=1000000`},
	{"heartbeat of a shared hold", "heartbeat a b shared token 3", `HEARTBEAT "a" "b" token=3 shared`},
	{"heartbeat of permits", "heartbeat a b token 3 permits 9 count 9", `HEARTBEAT "a" "b" token=3 count=9 permits=9`},
	{"upgrade", "upgrade a b 5000 token 3", `UPGRADE "a" "b" 5000 token=3`},
	{"upgrade of any hold", "UPGRADE a b 0", `UPGRADE "a" "b" 0`},
	{"downgrade", "downgrade a b token 3", `DOWNGRADE "a" "b" token=3`},
	{"holders", "holders a", `HOLDERS "a"`},
	{"status", "status a", `STATUS "a"`},
	{"forced release", "FORCE-RELEASE a", `FORCE-RELEASE "a"`},
	{"forced release with all options", "force-release a reason r token 7", `FORCE-RELEASE "a" token=7 reason="r"`},
	{"auth", "auth Secret", `AUTH text="Secret"`},
	{"locks", "LOCKS", "LOCKS"},
	{"locks with all options", "locks prefix p held limit 1 cursor c", `LOCKS prefix="p" held limit=1 cursor="c"`},
	{"locks that are contended", "LOCKS LIMIT 1000 Contended", "LOCKS contended limit=1000"},
	{"locks with an empty prefix", `LOCKS PREFIX ""`, `LOCKS prefix=""`},
	{"detail on", "DETAIL on", "DETAIL on"},
	{"detail off", "detail OFF", "DETAIL"},
	{"ping", "pInG", "PING"},
	{"info", "INFO", "INFO []"},
	{"info with sections", "info memory server", `INFO ["memory" "server"]`},
	{"help", "help", "HELP"},
	{"help with a topic", "HELP acquire", `HELP text="acquire"`},
	{"top", "top", "TOP by=WAITERS"},
	{"top with all options", "TOP Heat limit 3", "TOP by=HEAT limit=3"},
	{"waiters", "WAITERS a", `WAITERS "a"`},
	{"waiters with all options", "waiters limit limit 5 cursor c", `WAITERS "limit" limit=5 cursor="c"`},
	{"owner", "OWNER svc LIMIT 5 CURSOR c", `OWNER "svc" limit=5 cursor="c"`},
	{"events", "EVENTS", "EVENTS"},
	{"events with all options", "events since 0 limit 9", "EVENTS limit=9 since=0"},
	{"clients", "CLIENTS LIMIT 5 CURSOR c", `CLIENTS limit=5 cursor="c"`},
	{"disconnect", "DISCONNECT 17 REASON r", `DISCONNECT 17 reason="r"`},
	{"quit", "Quit", "QUIT"},
	{"hello", "HELLO", "HELLO []"},
	{"watch", "WATCH orders/", `WATCH ["orders/"]`},
	{"watch everything", `WATCH ""`, `WATCH [""]`},
	{"unwatch", "unwatch orders/", `UNWATCH ["orders/"]`},
	{"unwatch all", "UNWATCH", "UNWATCH []"},
	{"deadlocks", "deadlocks", "DEADLOCKS"},
	{"notify", "Notify web-3.", `NOTIFY ["web-3."]`},
	{"hello with all options", "hello name web alive 5000", `HELLO ["name" "web" "alive" "5000"]`},
}

func TestCommandsInBothForms(t *testing.T) {
	seen := map[Verb]bool{}
	for _, c := range commands {
		t.Run(c.name, func(t *testing.T) {
			words := strings.Fields(c.line)
			for i := range words {
				words[i] = strings.Trim(words[i], `"`)
			}
			wantDecoded(t, c.line+"\n", false, c.want)
			ended := c.want
			if ended == "PING" {
				ended = "PING pong"
			}
			wantDecoded(t, c.line+"\r\n", false, ended)
			wantDecoded(t, "\t "+strings.ReplaceAll(c.line, " ", "\t  ")+" \r\n", false, ended)
			wantDecoded(t, frame(words...), false, c.want)
			verb, options, found := strings.Cut(c.want, " ")
			if found {
				options = " " + options
			}
			wantDecoded(t, "@t.1 "+c.line+"\n", false, verb+" @t.1"+options)
		})
		var d Decoder
		var cmd Command
		d.Decode([]byte(c.line+"\n"), &cmd)
		seen[cmd.Verb] = true
	}
	for _, doc := range Docs {
		if doc.Verb < VerbClient && !seen[doc.Verb] {
			t.Errorf("no case for %s", doc.Name)
		}
	}
}

func TestCommandsOfRESPAlone(t *testing.T) {
	for _, c := range []struct {
		name  string
		words []string
		want  string
	}{
		{"hello", []string{"HELLO"}, "HELLO []"},
		{"hello with all arguments", []string{"hello", "3", "AUTH", "u", "t"}, `HELLO ["3" "AUTH" "u" "t"]`},
		{"client", []string{"Client", "ID"}, `CLIENT ["ID"]`},
		{"command", []string{"COMMAND", "DOCS"}, `COMMAND ["DOCS"]`},
		{"config", []string{"CONFIG", "GET", "save"}, `CONFIG ["GET" "save"]`},
		{"select", []string{"SELECT", "0"}, `SELECT ["0"]`},
		{"echo", []string{"ECHO", "x\r\ny"}, `ECHO text="x\r\ny"`},
		{"reset", []string{"reset"}, "RESET []"},
		{"multi", []string{"multi"}, "MULTI []"},
		{"multi with a word", []string{"MULTI", "x"}, `MULTI ["x"]`},
		{"exec", []string{"EXEC"}, "EXEC []"},
		{"discard", []string{"DISCARD"}, "DISCARD []"},
		{"watch", []string{"WATCH", "a", "b"}, `WATCH ["a" "b"]`},
		{"unwatch", []string{"UNWATCH"}, "UNWATCH []"},
		{"ping with a text", []string{"PING", ""}, `PING text=""`},
		{"auth with a user", []string{"AUTH", "user", "token"}, `AUTH text="token"`},
		{"any bytes as a name", []string{"STATUS", "\x00\r\n\"\xff"}, `STATUS "\x00\r\n\"\xff"`},
		{"a tag is only for text", []string{"@t", "PING"}, "bad UNKNOWN unknown command '@t', with args beginning with: 'PING' "},
		{"HTTP words are merely unknown", []string{"GET", "x"}, "bad UNKNOWN unknown command 'GET', with args beginning with: 'x' "},
		{"few arguments are repeated", []string{"NOPE", n(40), n(40), n(40), n(40), n(40)}, "bad UNKNOWN unknown command 'NOPE', with args beginning with: " +
			strings.Repeat("'"+n(32)+"...' ", 4)},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecoded(t, frame(c.words...), false, c.want) })
	}
}

func TestWordsOfText(t *testing.T) {
	long := strings.Repeat("n", NameMax)
	for _, c := range []struct{ name, line, want string }{
		{"every escape", `STATUS "\"\\\n\r\t\x00\xfF"`, `STATUS "\"\\\n\r\t\x00\xff"`},
		{"escapes in several words", `RELEASE "a\n" "\tb"`, `RELEASE "a\n" "\tb"`},
		{"blanks within quotes", "STATUS \" a\tb \"", `STATUS " a\tb "`},
		{"a quoted verb and number", `"ACQUIRE" a b "5"`, `ACQUIRE "a" "b" 5`},
		{"a quoted at sign is no tag", `"@t" PING`, "bad UNKNOWN unknown command '@t'"},
		{"an at sign behind the verb is no tag", "STATUS @t", `STATUS "@t"`},
		{"a star behind the verb is a word", "STATUS *1", `STATUS "*1"`},
		{"bytes that are not UTF-8", "STATUS \x80\xff\x00", `STATUS "\x80\xff\x00"`},
		{"only one carriage return is dropped", "STATUS a\r", `STATUS "a\r"`},
		{"a carriage return within a line is a byte", "STATUS a\rb", `STATUS "a\rb"`},
		{"bytes around those that end a word", "STATUS !#a\x1f", `STATUS "!#a\x1f"`},
		{"a name at the limit, quoted and escaped", `STATUS "\x6e` + long[1:] + `"`, `STATUS "` + long + `"`},
		{"the longest tag", "@" + long[:TagMax] + " PING", "PING @" + long[:TagMax]},
		{"every kind of byte in a tag", "@azAZ09._- PING", "PING @azAZ09._-"},
		{"only blanks", " \t ", "blank"},
		{"an empty line", "", "blank"},
	} {
		t.Run(c.name, func(t *testing.T) { wantDecoded(t, c.line+"\r\n", false, c.want) })
	}
}

func TestBlankArrays(t *testing.T) {
	for _, s := range []string{"*0\r\n", "*-1\r\n", "*-0\r\n"} {
		wantDecoded(t, s, false, "blank")
	}
}

func TestCommandsBehindOneAnother(t *testing.T) {
	input := "PING\n" + frame("PING", "x") + "\r\n*0\r\n@t STATUS a\nwhat\n" + frame("what") + "STATUS a\r\nSTAT"
	want := `PING|PING text="x"|blank|blank|STATUS @t "a"|bad UNKNOWN unknown command 'what'|` +
		`bad UNKNOWN unknown command 'what', with args beginning with: |STATUS "a"|left 4`
	if got := strings.Join(decodeAll(t, []byte(input), nil, false), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWordsAliasInput(t *testing.T) {
	for _, c := range []struct {
		name, input string
		alias       bool
	}{
		{"a bare word", "STATUS name\n", true},
		{"a quoted word", "STATUS \"name\"\n", true},
		{"an escaped word", "STATUS \"nam\\x65\"\n", false},
		{"a bulk string", frame("STATUS", "name"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decoder
			var cmd Command
			b := []byte(c.input)
			if _, st := d.Decode(b, &cmd); st != Ready || string(cmd.Name) != "name" {
				t.Fatalf("status %d, name %q", st, cmd.Name)
			}
			if cap(cmd.Name) != len(cmd.Name) {
				t.Errorf("an append to the word would write behind it: cap %d", cap(cmd.Name))
			}
			clear(b)
			if got := bytes.Equal(cmd.Name, make([]byte, 4)); got != c.alias {
				t.Errorf("aliases the input: %v, want %v", got, c.alias)
			}
		})
	}
}

// wantDecoded decodes one command whole, cut at every byte (unless it is
// long), and followed by another command.
func wantDecoded(t *testing.T, input string, preAuth bool, want string) {
	t.Helper()
	d, cmd := Decoder{PreAuth: preAuth}, Command{}
	n, st := d.Decode([]byte(input), &cmd)
	if got := describe(&d, &cmd, st); got != want {
		t.Fatalf("input %.200q\ngot  %s\nwant %s", input, got, want)
	}
	if n != len(input) {
		t.Errorf("input %.200q: took %d of %d bytes", input, n, len(input))
	}
	if st == Fatal {
		return
	}
	n, st = d.Decode([]byte(input+"PING\n"), &cmd)
	if got := describe(&d, &cmd, st); got != want || n != len(input) {
		t.Errorf("followed by a line, input %.200q of %d bytes\ngot  %s of %d bytes\nwant %s", input, len(input), got, n, want)
	}
	step := 1 + len(input)/500
	for cut := 0; cut < len(input); cut += step {
		if n, st := d.Decode([]byte(input[:cut]), &cmd); n != 0 || st != Incomplete {
			t.Fatalf("first %d bytes of %.200q: status %d, took %d", cut, input, st, n)
		}
		n, st := d.Decode([]byte(input), &cmd)
		if got := describe(&d, &cmd, st); got != want || n != len(input) {
			t.Fatalf("behind a cut at %d of %.200q: %s", cut, input, got)
		}
	}
}
