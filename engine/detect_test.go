package engine

import (
	"strings"
	"testing"

	"dlm/codec"
	"dlm/engine/auth"
	"dlm/table"
)

// TestLongCycleIsCut answers a cycle whose names and services are as long as they can be.
func TestLongCycleIsCut(t *testing.T) {
	c := &conn{}
	c.who.Role = auth.RoleLock
	long := table.WaitsFor{Lock: []byte(strings.Repeat("\x00", codec.NameMax)), Holder: []byte(strings.Repeat("\xff", codec.ServiceMax))}
	short := table.WaitsFor{Lock: []byte("a b"), Holder: []byte("s")}
	one := string(appendCycle(nil, c, []table.WaitsFor{long}))
	for name, x := range map[string]struct {
		cycle []table.WaitsFor
		want  string
	}{
		"short":                {[]table.WaitsFor{short, short}, `"a b" "s" "a b" "s"`},
		"the first is long":    {[]table.WaitsFor{long, short}, one},
		"the last is too long": {[]table.WaitsFor{short, long}, `"a b" "s"`},
	} {
		if got := string(appendCycle(nil, c, x.cycle)); got != x.want {
			t.Errorf("%s: %.200s", name, got)
		}
	}
	if n := len(`"" ""`) + 4*(codec.NameMax+codec.ServiceMax); len(one) != n {
		t.Errorf("one lock and its holder have %d bytes, want %d", len(one), n)
	}
}
