package table

import (
	"testing"

	"dlm/codec"
)

// TestEndOfOvertakenHoldHasNoCount: the event of a hold that a claim ends says that nothing of it
// is left, whatever count it had.
func TestEndOfOvertakenHoldHasNoCount(t *testing.T) {
	name := namesOf(1)[0]
	img := codec.ShardImage{Shard: 77, Counter: 1}
	img.Append(&codec.HoldImage{Token: 1, TTLMs: 1000, Count: 2, Name: name, Service: []byte("a")})
	table, s := restarted(t, &img, 1000, 1e9)
	var ends []uint32
	table.SetLost(func(e *Event) { ends = append(ends, e.Count) })
	claim := codec.Command{Verb: codec.VerbHeartbeat, Opts: codec.OptToken, Token: 5, Name: name, Service: []byte("b")}
	if r := s.Apply(0, table.Hash(name), &claim, Origin{}, new(Effects)); r.Code != codec.OK {
		t.Fatal(r.Code)
	}
	if len(ends) != 1 || ends[0] != 0 {
		t.Errorf("holds have ended with the counts %d, want one with 0", ends)
	}
}
