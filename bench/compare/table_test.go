package main

import (
	"strings"
	"testing"

	"dlm/bench"
)

// TestCostsAreComparedRoundByRound has a machine that is twice as slow in half of
// the rounds: the medians alone would compare its two states.
func TestCostsAreComparedRoundByRound(t *testing.T) {
	enter := func(name, form string, floor bool, costs ...float64) *server {
		cell := &bench.Cell{Depth: 16}
		for _, cost := range costs {
			cell.Rounds = append(cell.Rounds, bench.Round{CPU: &cost})
		}
		return &server{name: name, form: form, floor: floor, cells: map[int]*bench.Cell{16: cell}}
	}
	u := &suite{s: &settings{rounds: 3, depths: []int{16}}, servers: []*server{
		enter("floor", bench.Text, true, 100, 200, 200),
		enter("floor RESP", bench.RESP, true, 110, 220, 220),
		enter("dlm", bench.Text, false, 150, 150, 300),
		enter("dlm RESP", bench.RESP, false, 165, 165, 330),
		enter("other", bench.RESP, false, 600, 600, 1500),
	}}
	var b strings.Builder
	if err := u.writeMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 16 | floor | 200 (100 to 200) | 0 | 1.00 | 0.67 |",
		"| 16 | dlm | 150 (150 to 300) | 50 | 1.50 | 1.00 |",
		"| 16 | dlm RESP | 165 (165 to 330) | 55 | 1.50 | 1.10 |",
		"| 16 | other | 600 (600 to 1500) | 490 | 5.45 | 4.00 |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no row %q in\n%s", want, b.String())
		}
	}
}

func TestNoCostIsNotCompared(t *testing.T) {
	cell := &bench.Cell{Rounds: []bench.Round{{}, {}}}
	if more, times, ok := aboveOther(cell, cell); ok {
		t.Errorf("got %v and %v from rounds without a cost", more, times)
	}
}
