package main

import (
	"strings"
	"testing"
)

// TestLogWaitsOver: a request that waits long is in the server's log when it times out, with the
// holder.
func TestLogWaitsOver(t *testing.T) {
	p := startServer(t, nil, "--log-waits-over", "1s")
	c := dial(t, p.addr)
	c.want(t, `ACQUIRE "a\x00" holder 0`, "OK")
	if got := c.ask(t, `ACQUIRE "a\x00" waiter 1100`); !strings.HasPrefix(got, "ERROR TIMEOUT ") {
		t.Fatal(got)
	}
	got := p.waitLog(t, "timed out after a long wait")
	if ms, _ := got["waited_ms"].(float64); got["lock"] != `a\x00` || got["owner"] != "waiter" || got["holder"] != "holder" || ms < 1100 {
		t.Errorf("%v", got)
	}
}
