package main

import (
	"strings"
	"testing"

	"dlm/bench"
)

// TestFormsAreComparedWithBareOneOfTheirRound has a machine that is twice as slow in a round.
func TestFormsAreComparedWithBareOneOfTheirRound(t *testing.T) {
	enter := func(name string, costs ...float64) *server {
		cell := &bench.Cell{Depth: 64}
		for _, cost := range costs {
			cell.Rounds = append(cell.Rounds, bench.Round{CPU: &cost})
		}
		return &server{name: name, cells: map[int]*bench.Cell{64: cell}}
	}
	u := &suite{s: &settings{rounds: 3, base: "HEAD"}, servers: []*server{
		enter("bare", 100, 200, 100), enter("TTL", 120, 260, 125), enter("tag", 150, 280, 141), enter("bare, base", 110, 200, 100),
	}}
	u.s.load.Depths = []int{64}
	var b strings.Builder
	if err := u.writeForms(&b, map[string]float64{"TTL": 1.25, "tag": 1.25}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 64 | bare | 100 (100 to 200) | 1.000 (1.00 to 1.00) |  | 0.00 |  |",
		"| 64 | TTL | 125 (120 to 260) | 1.250 (1.20 to 1.30) | 1.25 | 0.00 | ok |",
		"| 64 | tag | 150 (141 to 280) | 1.410 (1.40 to 1.50) | 1.25 | 0.00 | ABOVE |",
		"| 64 | bare, tree / base | 100 (100 to 200) | 1.000 (0.91 to 1.00) | 1.03 | 0.00 | ok |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no row %q in\n%s", want, b.String())
		}
	}
	u.servers[1].cells[64].Rounds = nil
	if err := u.writeForms(&b, nil); err == nil {
		t.Error("a form without a cost is no error")
	}
}

// TestEachFormIsRunThatIsAllowed checks that no form asks for what its workload does not know.
func TestEachFormIsRunThatIsAllowed(t *testing.T) {
	for _, f := range append([]form{bareForm}, clientForms...) {
		c := bench.Config{Server: "x"}
		f.change(&c)
		c.EnsureDefaults()
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
}
