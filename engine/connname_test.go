package engine

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamesOfConnectionsAreShort: they are kept per connection and accounted nowhere.
func TestNamesOfConnectionsAreShort(t *testing.T) {
	array := func(words ...string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
		}
		return b.String()
	}
	fits, long := strings.Repeat("n", 64), strings.Repeat("n", 65)
	s := newSim(t, nil)
	k := s.dial(0)
	k.send(array("CLIENT", "SETNAME", fits))
	k.expect("+OK\r\n")
	for _, words := range [][]string{{"CLIENT", "SETNAME", long}, {"CLIENT", "SETNAME", strings.Repeat("n", 8000)}, {"HELLO", "2", "SETNAME", long}} {
		k.send(array(words...))
		k.expect("-TOOBIG a connection's name is longer than 64 bytes\r\n")
	}
	k.send(array("CLIENT", "GETNAME"))
	k.expect("$64\r\n" + fits + "\r\n")
}
