package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

// TestRedisBenchmarkAsShipped runs its default tests. PING passes. SET is refused, and the program
// ends with that error.
func TestRedisBenchmarkAsShipped(t *testing.T) {
	program := needProgram(t, "redis-benchmark", "redis-tools")
	p := startServer(t, nil)
	host, port := hostPort(t, p.addr)
	ctx, cancel := context.WithTimeout(t.Context(), eventually)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "-h", host, "-p", port, "-n", "1000", "-q").CombinedOutput()
	text := string(out)
	if ctx.Err() != nil || err == nil {
		t.Fatalf("ended with %v, %v:\n%s", err, ctx.Err(), text)
	}
	for _, want := range []string{"PING_INLINE: ", "PING_MBULK: ", "ERR unknown command 'SET'"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if out := runClient(t, ".", program, "-h", host, "-p", port, "-n", "1000", "-q", "-t", "ping"); !strings.Contains(out, "PING_MBULK: ") {
		t.Errorf("output:\n%s", out)
	}
}
