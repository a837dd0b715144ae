package main

import (
	"strings"
	"testing"

	"dlm/bench"
)

// TestFormsAreComparedWithBareOneOfTheirRound has one round in which the machine is half as fast.
func TestFormsAreComparedWithBareOneOfTheirRound(t *testing.T) {
	enter := func(name string, costs ...float64) *server {
		cell := &bench.Cell{Depth: 64}
		for _, cost := range costs {
			cell.Rounds = append(cell.Rounds, bench.Round{CPU: &cost})
		}
		return &server{name: name, use: &form{against: bare, goal: goalOptions}, cells: map[int]*bench.Cell{64: cell}}
	}
	u := &suite{s: &settings{rounds: 3, base: "HEAD", depths: []int{64}}, servers: []*server{
		enter("bare", 100, 200, 100), enter("TTL", 120, 260, 125), enter("tag", 150, 280, 141), enter("bare, base", 110, 200, 100),
	}}
	u.servers[0].use, u.servers[3].use = &form{}, nil
	var b strings.Builder
	if err := u.writeForms(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| 64 | bare | 100 (100 to 200) | 1.00 |  |  |  |  | 0.00 |  |",
		"| 64 | TTL | 125 (120 to 260) | 1.25 | bare | 1.250 (1.20 to 1.30) | 1.20 | 1.25 | 0.00 | ok |",
		"| 64 | tag | 150 (141 to 280) | 1.41 | bare | 1.410 (1.40 to 1.50) | 1.41 | 1.25 | 0.00 | ABOVE |",
		"| 64 | bare, tree | 100 (100 to 200) | 1.00 | bare, base | 1.000 (0.91 to 1.00) | 1.00 | 1.03 | 0.00 | ok |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no row %q in\n%s", want, b.String())
		}
	}
	u.servers[1].cells[64].Rounds = nil
	if err := u.writeForms(&b); err == nil {
		t.Error("a form without a cost is no error")
	}
}

// TestEachFormIsRunThatIsAllowed checks that no form has a setting that its workload refuses, and
// that each form is compared with one that comes before it.
func TestEachFormIsRunThatIsAllowed(t *testing.T) {
	known := map[string]bool{"": true}
	for _, f := range append(clientForms, contendedForms...) {
		load, w := bench.Load{Server: "x", NameLen: f.nameLen}, f.workload(bench.Text, 64, 10_000)
		load.EnsureDefaults()
		w.EnsureDefaults()
		if err := bench.Validate(&load, w); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		if !known[f.against] {
			t.Errorf("%s is compared with %s, which is not measured before it", f.name, f.against)
		}
		known[f.name] = true
	}
}
