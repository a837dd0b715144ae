package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// TestTokensAreDoubles: a program that reads a token as a double, as JavaScript, Lua and most tools
// for JSON do, has that token and not the one of the grant before.
func TestTokensAreDoubles(t *testing.T) {
	s := newSim(t, nil)
	before := 0.0
	for range 3 {
		token := tokenOf(t, s.ask("ACQUIRE a svc 0"))
		s.want("RELEASE a svc", "OK")
		var double any
		if err := json.Unmarshal(fmt.Append(nil, token), &double); err != nil {
			t.Fatal(err)
		}
		if double.(float64) <= before {
			t.Errorf("token %d is the double %f, after %f", token, double, before)
		}
		if back, err := json.Marshal(double); err != nil || string(back) != fmt.Sprint(token) {
			t.Errorf("token %d comes back as %s %v", token, back, err)
		}
		before = double.(float64)
	}
}

// TestTokensNeverFall restarts with a wall clock that was set back, and from an
// older image.
func TestTokensNeverFall(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	s.image()
	s.image()
	s.crash()
	start, err := snapshot.ReadStart(dir)
	if err != nil {
		t.Fatal(err)
	}
	ahead := durability.WallToken(time.Now().Add(100 * time.Hour)) // before the clock was set back
	start.TokenCeiling = ahead
	if err := snapshot.WriteStart(dir, &start); err != nil {
		t.Fatal(err)
	}
	s = mustStart(t, dir, nil)
	if got := s.e.store.State().Start; got.TokenStart < ahead || got.TokenCeiling != got.TokenStart+durability.TokenReserve || got.Number != 2 {
		t.Errorf("START %+v, want tokens from %d on", got, ahead)
	}
	s.crash()
	damageNewest(t, dir)
	s = mustStart(t, dir, func(c *Config) { c.RecoverOlder = true })
	if got := s.e.store.State().Start.TokenStart; got < ahead+durability.TokenReserve+durability.TokenLeapOlder {
		t.Errorf("an older image: tokens from %d on", got)
	}
	s.crash()
}

// TestTokenCeiling: no token passes what START says, and START is renewed in time.
func TestTokenCeiling(t *testing.T) {
	dir := t.TempDir()
	s := mustStart(t, dir, nil)
	rec := s.e.store.State()
	rec.Table.SetTokenCeiling(rec.Start.TokenStart)
	s.want("ACQUIRE a svc 0", "ERROR LIMIT")
	rec.Table.SetTokenCeiling(rec.Start.TokenStart + 1)
	s.want("ACQUIRE a svc 0", "OK")
	rec.Start.TokenCeiling = rec.Start.TokenStart + durability.TokenReserve/4
	if err := s.e.store.ExtendTokens(); err != nil {
		t.Fatal(err)
	}
	if onDisk, err := snapshot.ReadStart(dir); err != nil || onDisk.TokenCeiling != rec.Start.TokenStart+durability.TokenReserve/4+durability.TokenReserve {
		t.Errorf("START %+v %v", onDisk, err)
	}
	s.crash()
}
