package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestMaxMemoryIsResidentMemory takes locks until no memory is left, and compares the resident
// memory with the setting. When the locks are gone there is room for others.
func TestMaxMemoryIsResidentMemory(t *testing.T) {
	if len(sameBuild()) > 0 {
		t.Skip("the race detector and the invariants take memory of their own")
	}
	const most, perRead = 64 << 20, 500
	p := startServer(t, nil, "--max-memory", "64MiB")
	c := dialLine(t, p.addr)
	command := func(verb, tail string, from int) (ok, refused int) {
		var text strings.Builder
		for i := range perRead {
			fmt.Fprintf(&text, "%s lock:%09d holder@host-%d%s\n", verb, from+i, i, tail)
		}
		c.send(strings.TrimSuffix(text.String(), "\n"))
		for range perRead {
			switch got := c.read(); {
			case got == "OK":
				ok++
			case strings.HasPrefix(got, "ERROR LIMIT memory "):
				refused++
			default:
				t.Fatalf("%s: %q", verb, got)
			}
		}
		return ok, refused
	}
	held, asked := 0, 0
	for refused := 0; refused < perRead; asked += perRead { // shards fill up one after the other
		var ok int
		ok, refused = command("ACQUIRE", " 0", asked)
		held += ok
		if asked > 2_000_000 {
			t.Fatal("the limit is never reached")
		}
	}
	if rss := c.info("used_memory_rss"); rss < most*9/10 || rss > most*11/10 {
		t.Errorf("%d bytes are resident with %d locks, and %d are the limit", rss, held, most)
	}
	_, refused := command("RELEASE", "", 0)
	if ok, more := command("ACQUIRE", " 0", 0); refused != 0 || ok < perRead*9/10 {
		t.Errorf("%d locks of %d that were released are granted, %d refused", ok, perRead, more)
	}
}
