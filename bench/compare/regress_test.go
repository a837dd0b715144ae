package main

import (
	"slices"
	"testing"

	"dlm/bench"
)

func TestVerdictAgainstNoise(t *testing.T) {
	for _, c := range []struct {
		name              string
		base, again, tree []float64
		word              string
	}{
		{"the same", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{100, 100, 101}, wordOK},
		{"slower on a quiet machine", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{107, 106, 108}, wordSlower},
		{"faster", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{80, 80, 80}, wordOK},
		{"slower, but no more than the base to itself", []float64{100, 100, 100}, []float64{110, 92, 108}, []float64{107, 106, 108}, wordNoisy},
		{"one bad round", []float64{100, 100, 100}, []float64{100, 101, 99}, []float64{101, 300, 99}, wordOK},
		{"the machine changes, and both sides with it", []float64{100, 200, 300}, []float64{101, 199, 301}, []float64{100, 201, 299}, wordOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := compareRounds(c.base, c.again, c.tree); v.word() != c.word {
				t.Errorf("got %s, want %s: %+v", v.word(), c.word, v)
			}
		})
	}
}

// TestLeastCostsAreComparedToo has a base whose second process found the quieter moment.
func TestLeastCostsAreComparedToo(t *testing.T) {
	v := compareRounds([]float64{100, 120, 110}, []float64{90, 130, 110}, []float64{150, 99, 200})
	if v.ofLeast != 1.1 {
		t.Errorf("99 to 90: got %v, want 1.1", v.ofLeast)
	}
}

// TestRoundsWithoutCostAreLeftOut has a server that answered nothing within a round.
func TestRoundsWithoutCostAreLeftOut(t *testing.T) {
	cell := func(costs ...float64) *bench.Cell {
		c := &bench.Cell{}
		for _, cost := range costs {
			r := bench.Round{}
			if cost > 0 {
				r.CPU = &cost
			}
			c.Rounds = append(c.Rounds, r)
		}
		return c
	}
	a, b, tree := sharedRounds(cell(1, 2, 0, 4), cell(5, 6, 7, 8), cell(9, 0, 11, 12))
	if !slices.Equal(a, []float64{1, 4}) || !slices.Equal(b, []float64{5, 8}) || !slices.Equal(tree, []float64{9, 12}) {
		t.Errorf("got %v, %v, %v", a, b, tree)
	}
}
