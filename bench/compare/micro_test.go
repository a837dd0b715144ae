package main

import (
	"strings"
	"testing"
)

func TestDifferencesOfBenchstat(t *testing.T) {
	found, err := differences(strings.NewReader(`pkg: dlm/table
,base.txt,,tree.txt,,,
,sec/op,CI,sec/op,CI,vs base,P
Pair/names=10,1.0e-07,1%,1.2e-07,1%,+19.70%,p=0.000 n=9
Hash,1.0e-07,1%,1.0e-07,1%,~,p=0.700 n=9
geomean,1.0e-07,,1.1e-07,,+9.00%,

,base.txt,,tree.txt,,,
,allocs/op,CI,allocs/op,CI,vs base,P
Hash,0,0%,9,0%,?,p=0.000 n=9
`))
	if err != nil {
		t.Fatal(err)
	}
	if pair := found["Pair/names=10"]; !pair.real || pair.p != "p=0.000 n=9" {
		t.Errorf("got %+v", pair)
	}
	if len(found) != 2 || found["Hash"].real {
		t.Errorf("got %+v", found)
	}
}

func TestTimesOfBenchmarks(t *testing.T) {
	ns, names := nsPerOp("goos: linux\nBenchmarkB/x \t 1000\t 60.19 ns/op\t 0 B/op\nBenchmarkA-2 \t 10\t 1071939 ns/op\n" +
		"PASS\nBenchmarkB/x \t 1000\t 61 ns/op\nBenchmarkC\n")
	if len(names) != 2 || names[0] != "B/x" || names[1] != "A-2" || len(ns["B/x"]) != 2 || ns["B/x"][1] != 61 {
		t.Errorf("got %v, %v", ns, names)
	}
}
