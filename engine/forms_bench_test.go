package engine

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// formLocks is how many locks BenchmarkForms uses.
const formLocks = 128

// forms are spellings of commands about one lock. # stands for its number, @ for a tag with its
// blank, and ? for the token of its hold. The locks of a read follow each other, and a | begins a
// read of its own. In RESP each word becomes a bulk string.
var forms = []struct {
	name, commands string
	detail, resp   bool
}{
	{name: "bare", commands: "ACQUIRE b# svc1 0\nRELEASE b# svc1\n"},
	{name: "TTL", commands: "ACQUIRE b# svc1 0 TTL 20000\nRELEASE b# svc1\n"},
	{name: "tag", commands: "@ACQUIRE b# svc1 0\n@RELEASE b# svc1\n"},
	{name: "tag,TTL", commands: "@ACQUIRE b# svc1 0 TTL 20000\n@RELEASE b# svc1\n"},
	{name: "40-byte-name", commands: "ACQUIRE b#-with-20-bytes-more- svc1 0\nRELEASE b#-with-20-bytes-more- svc1\n"},
	{
		name:     "40-byte-name,tag,TTL",
		commands: "@ACQUIRE b#-with-20-bytes-more- svc1 0 TTL 20000\n@RELEASE b#-with-20-bytes-more- svc1\n",
	},
	{name: "detail", commands: "ACQUIRE b# svc1 0\nRELEASE b# svc1\n", detail: true},
	{name: "RESP", commands: "ACQUIRE b# svc1 0\nRELEASE b# svc1\n", resp: true},
	{name: "RESP,TTL", commands: "ACQUIRE b# svc1 0 TTL 20000\nRELEASE b# svc1\n", resp: true},
	{name: "HEARTBEAT", commands: "HEARTBEAT h# svc1\n"},
	{name: "HEARTBEAT,TOKEN", commands: "HEARTBEAT h# svc1 TOKEN ?\n"},
	{name: "HEARTBEAT,tag,TOKEN,TTL", commands: "@HEARTBEAT h# svc1 TOKEN ? TTL 20000\n"},
	{name: "cycle", commands: "ACQUIRE b# svc1 0\n|HEARTBEAT b# svc1\n|RELEASE b# svc1\n", detail: true},
	{name: "cycle,TOKEN", commands: "ACQUIRE b# svc1 0\n|HEARTBEAT b# svc1 TOKEN ?\n|RELEASE b# svc1 TOKEN ?\n", detail: true},
	{
		name: "cycle,TOKEN,TTL,tag", detail: true,
		commands: "@ACQUIRE b# svc1 0 TTL 20000\n|@HEARTBEAT b# svc1 TOKEN ? TTL 20000\n|@RELEASE b# svc1 TOKEN ?\n",
	},
	{
		name: "cycle,RESP,TOKEN,TTL", resp: true,
		commands: "ACQUIRE b# svc1 0 TTL 20000\n|HEARTBEAT b# svc1 TOKEN ? TTL 20000\n|RELEASE b# svc1 TOKEN ?\n",
	},
	{name: "re-entry", commands: "ACQUIRE h# svc1 0\nRELEASE h# svc1\n"},
	{name: "refused", commands: "ACQUIRE h# svc2 0\nRELEASE h# svc2\n"},
}

// kept is a connection that keeps what is written to it.
type kept struct {
	sink
	out []byte
}

func (k *kept) Write(p []byte) (int, error) {
	k.out = append(k.out, p...)
	return len(p), nil
}

var tokenOfHold = regexp.MustCompile(`token(?:=|\r\n:)([0-9]{16})`)

// tokens returns the tokens of the replies.
func (k *kept) tokens() (list []string) {
	for _, m := range tokenOfHold.FindAllSubmatch(k.out, -1) {
		list = append(list, string(m[1]))
	}
	return list
}

// formRead encodes commands about all locks, and returns where tokens are in them.
func formRead(commands string, resp bool, tokens []string) (read []byte, tokenAt []int) {
	var in bytes.Buffer
	tag := 0
	for lock := range formLocks {
		for line := range strings.Lines(commands) {
			line = strings.ReplaceAll(line, "#", fmt.Sprintf("%019d", lock))
			line = strings.ReplaceAll(line, "@", fmt.Sprintf("@%d ", tag))
			line = strings.ReplaceAll(line, "?", tokens[lock])
			if words := strings.Fields(line); resp {
				line = fmt.Sprintf("*%d\r\n", len(words))
				for _, w := range words {
					line += fmt.Sprintf("$%d\r\n%s\r\n", len(w), w)
				}
			}
			if at := strings.Index(line, tokens[lock]); at >= 0 {
				tokenAt = append(tokenAt, in.Len()+at)
			}
			in.WriteString(line)
			tag++
		}
	}
	return append(in.Bytes(), make([]byte, 200)...)[:in.Len()], tokenAt
}

// BenchmarkForms feeds reads of commands of each form. A result is what one command costs without
// the kernel.
func BenchmarkForms(b *testing.B) {
	for _, f := range forms {
		b.Run(f.name, func(b *testing.B) {
			s := newSim(b, nil)
			r, k := s.e.reactors[0], &kept{}
			c := r.open(k)
			feed := func(in []byte) {
				k.out, r.round.spent = k.out[:0], 0
				r.feed(c, in)
				s.due, s.asks = s.due[:0], s.asks[:0]
			}
			feed([]byte("DETAIL ON\n"))
			first, _ := formRead("ACQUIRE h# svc1 0 TTL 86400000\n", false, make([]string, formLocks))
			feed(first)
			tokens := k.tokens()
			if !f.detail {
				feed([]byte("DETAIL OFF\n"))
			}
			var reads [][]byte
			var tokenAt [][]int
			for part := range strings.SplitSeq(f.commands, "|") {
				read, at := formRead(part, f.resp, tokens)
				reads, tokenAt = append(reads, read), append(tokenAt, at)
			}
			for b.Loop() {
				for i, in := range reads {
					if i > 0 && len(tokenAt[i]) > 0 {
						b.StopTimer()
						if i == 1 {
							tokens = k.tokens()
						}
						for lock, at := range tokenAt[i] {
							copy(in[at:], tokens[lock])
						}
						b.StartTimer()
					}
					feed(in)
				}
			}
			if strings.Contains(string(k.out), "ERROR") != (f.name == "refused") {
				b.Fatalf("answers %.200s", k.out)
			}
			commands := formLocks * strings.Count(f.commands, "\n")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(commands), "ns/command")
		})
	}
}
