package engine

import (
	"strings"
	"testing"
)

// TestAPingOfProbesIsAnsweredPONG: only a PING alone on a line that ends with CRLF is one of a
// probe of Redis.
func TestAPingOfProbesIsAnsweredPONG(t *testing.T) {
	s := newSim(t, nil)
	k, holder := s.dial(0), s.dial(1)
	for sent, want := range map[string]string{
		"PING\r\n": "+PONG\r\n", "ping\r\n": "+PONG\r\n", "PING\n": "OK\n", "@t PING\r\n": "@t OK\n",
		"PING\nPING\r\nPING\n": "OK\n+PONG\r\nOK\n", "PING x\r\n": "ERROR BADARG PING takes no arguments\n",
	} {
		k.send(sent)
		k.expect(want)
	}
	k.send("PING\r")
	k.send("\n")
	k.expect("+PONG\r\n")
	holder.do("ACQUIRE x A 0", "OK")
	k.send("ACQUIRE x B 1000\nPING\r\nPING\n")
	holder.do("RELEASE x A", "OK")
	k.expect("OK\n+PONG\r\nOK\n")
}

func TestCredentialsAreRefusedInTheWordsOfRedis(t *testing.T) {
	const wrong = "-WRONGPASS " + wrongPass + "\r\n"
	s := newSim(t, withTokens)
	for sent, want := range map[string]string{
		lineArray("AUTH x"):                  wrong,
		lineArray("AUTH default x"):          wrong,
		lineArray("HELLO 3 AUTH default x"):  wrong,
		lineArray("HELLO AUTH default x"):    wrong,
		"AUTH x\n":                           "ERROR DENIED no such token\n",
		lineArray("PING"):                    "-NOAUTH Authentication required.\r\n",
		lineArray("INFO"):                    "-NOAUTH Authentication required.\r\n",
		lineArray("HELLO 3"):                 "-NOAUTH HELLO must be called with the client already authenticated",
		lineArray("HELLO AUTH user l-token"): "*14\r\n",
	} {
		k := s.dial(0)
		k.send(sent)
		if got := k.reads(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, want %q", sent, got, want)
		}
	}
}
