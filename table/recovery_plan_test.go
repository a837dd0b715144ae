package table_test

import (
	"os"
	"testing"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
	"dlm/table"
)

// TestMain lets the simulation of the recovery start servers by the plan of real ones. The
// simulation is in this folder because it takes rules of the table out by changing records of a
// shard, which no other package can reach. Package table itself imports nothing of the engine.
func TestMain(m *testing.M) {
	table.RecDecide = decide
	os.Exit(m.Run())
}

func decide(from table.RecFacts) (table.RecPlan, error) {
	f := durability.Facts{Former: from.Former, Image: from.Image, PassedOver: from.PassedOver,
		Wall: from.Wall, GraceMs: from.GraceMs, Seed: from.Seed}
	if h := from.Image; h != nil {
		f.ImageName = snapshot.FileName(h.Start, h.Number)
	}
	p, err := durability.Decide(&f)
	return table.RecPlan{Start: p.Start, Leap: p.Leap, Recovery: p.Recovery(from.Image), Loaded: loaded}, err
}

func loaded(s *snapshot.Start, longestMs uint32) {
	p := durability.Plan{Start: *s}
	p.Loaded(longestMs)
	*s = p.Start
}
