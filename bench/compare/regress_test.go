package main

import "testing"

func TestVerdictAgainstNoise(t *testing.T) {
	for _, c := range []struct {
		name              string
		base, again, tree []float64
		slower            bool
	}{
		{"the same", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{100, 100, 101}, false},
		{"slower on a quiet machine", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{107, 106, 108}, true},
		{"faster", []float64{100, 101, 99}, []float64{99, 101, 100}, []float64{80, 80, 80}, false},
		{"slower, but no more than the base to itself", []float64{100, 100, 100}, []float64{110, 92, 108}, []float64{107, 106, 108}, false},
		{"one bad round", []float64{100, 100, 100}, []float64{100, 101, 99}, []float64{101, 300, 99}, false},
		{"the machine changes, and both sides with it", []float64{100, 200, 300}, []float64{101, 199, 301}, []float64{100, 201, 299}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := compareRounds(c.base, c.again, c.tree); v.slower() != c.slower {
				t.Errorf("got %+v", v)
			}
		})
	}
}
