package main

import (
	"bytes"
	"testing"
)

func TestTimesOfBenchmarks(t *testing.T) {
	ns, names := nsPerOp(bytes.NewBufferString("goos: linux\nBenchmarkB/x \t 1000\t 60.19 ns/op\t 0 B/op\nBenchmarkA-2 \t 10\t 1071939 ns/op\n" +
		"PASS\nBenchmarkB/x \t 1000\t 61 ns/op\nBenchmarkC\n"))
	if len(names) != 2 || names[0] != "B/x" || names[1] != "A-2" || len(ns["B/x"]) != 2 || ns["B/x"][1] < 60.99 || ns["B/x"][1] > 61.01 {
		t.Errorf("got %v, %v", ns, names)
	}
}
