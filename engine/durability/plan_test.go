package durability

import (
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/snapshot"
)

const (
	graceMs = 20_000
	// ceiling is above the wall clock of the tests.
	ceiling codec.Token = 1 << 51
)

var wall = time.Unix(1_760_000_000, 0)

// stopped returns the facts of a start after a clean stop, with START and an image of start 3.
func stopped() Facts {
	former := snapshot.Start{Number: 3, TokenCeiling: ceiling, TTLLimitMs: graceMs, State: snapshot.Primary,
		CleanImage: snapshot.FileName(3, 7)}
	image := snapshot.Header{Start: 3, Number: 7, TokenCeiling: ceiling - 1, TTLLimitMs: graceMs,
		TableTime: 5, WallTime: wall.Add(-time.Second).UnixNano()}
	return Facts{Former: &former, Image: &image, ImageName: former.CleanImage, Wall: wall, GraceMs: graceMs}
}

func TestDecide(t *testing.T) {
	second := codec.Token(1000 * tokensPerMs) // the age of the image
	for _, c := range []struct {
		name    string
		change  func(*Facts)
		number  uint64
		tokens  codec.Token // TokenStart
		graceMs int64
		ttlMs   uint32
	}{
		{"clean stop", func(*Facts) {}, 4, ceiling, 0, graceMs},
		{"clean stop, shorter setting", func(f *Facts) { f.GraceMs = 2000 }, 4, ceiling, 0, 2000},
		{"crash", func(f *Facts) { f.Former.CleanImage = "" }, 4, ceiling, graceMs, graceMs},
		{"crash, shorter setting", func(f *Facts) { f.Former.CleanImage, f.GraceMs = "", 2000 }, 4, ceiling, graceMs, graceMs},
		{"crash, longer setting", func(f *Facts) { f.Former.CleanImage, f.GraceMs = "", 30_000 }, 4, ceiling, 30_000, 30_000},
		{"crash, longer TTL in the image only", func(f *Facts) { f.Former.CleanImage, f.Image.TTLLimitMs = "", 40_000 },
			4, ceiling, 40_000, 40_000},
		{"crash before the first image", func(f *Facts) { f.Former.CleanImage, f.Image = "", nil }, 4, ceiling, graceMs, graceMs},
		{"image of a grace", func(f *Facts) { f.Image.Grace = true }, 4, ceiling, graceMs, graceMs},
		{"clean image of an older start", func(f *Facts) { f.Former.Number = 4 }, 5, ceiling, graceMs, graceMs},
		{"an older image", func(f *Facts) { f.PassedOver = true }, 4, ceiling + TokenLeapOlder + second, graceMs, graceMs},
		{"an image of a later start", func(f *Facts) { f.Former.Number = 2 }, 4, ceiling + TokenLeap + second, graceMs, graceMs},
		{"a copied image", func(f *Facts) { f.Former = nil }, 4, ceiling - 1 + TokenLeap + second, graceMs, graceMs},
		{"a copied image of the future", func(f *Facts) { f.Former, f.Wall = nil, wall.Add(-time.Hour) },
			4, ceiling - 1 + TokenLeap, graceMs, graceMs},
		{"a new directory", func(f *Facts) { f.Former, f.Image = nil, nil }, 1, WallToken(wall), 0, graceMs},
		{"a new directory with a floor", func(f *Facts) { f.Former, f.Image, f.TokenFloor = nil, nil, ceiling+5 }, 1, ceiling + 5, 0, graceMs},
		{"a promotion", func(f *Facts) { f.Promotion = &Promotion{Now: 9} }, 4, ceiling + TokenLeap + second, graceMs, graceMs},
		{"a promotion after another image", func(f *Facts) { f.Promotion = &Promotion{Last: snapshot.FileName(3, 8)} },
			4, ceiling + TokenLeap + second, graceMs, graceMs},
		{"a promotion after the last image", func(f *Facts) { f.Promotion = &Promotion{Last: snapshot.FileName(3, 7)} },
			4, ceiling + TokenLeap + second, 0, graceMs},
		{"a promotion after a last image of a grace", func(f *Facts) {
			f.Promotion, f.Image.Grace = &Promotion{Last: snapshot.FileName(3, 7)}, true
		}, 4, ceiling + TokenLeap + second, graceMs, graceMs},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := stopped()
			c.change(&f)
			if f.Image == nil {
				f.ImageName = ""
			}
			p, err := Decide(&f)
			if err != nil {
				t.Fatal(err)
			}
			s := p.Start
			if s.Number != c.number || s.TokenStart != c.tokens || p.Grace.Milliseconds() != c.graceMs || s.TTLLimitMs != c.ttlMs {
				t.Errorf("start %d, tokens from %d, grace %v, TTL limit %d ms", s.Number, s.TokenStart, p.Grace, s.TTLLimitMs)
			}
			if s.TokenCeiling != s.TokenStart+TokenReserve || s.State != snapshot.Primary || s.CleanImage != "" || p.From != f.ImageName {
				t.Errorf("plan %+v", p)
			}
		})
	}
}

// TestLongTTLOutlivesTwoCrashes: within the grace of a start with a shorter setting, holds of the
// start before may be alive with their longer leases, and be on no record.
func TestLongTTLOutlivesTwoCrashes(t *testing.T) {
	former := snapshot.Start{Number: 1, TTLLimitMs: 2 * graceMs, State: snapshot.Primary}
	for range 2 {
		p, err := Decide(&Facts{Former: &former, Wall: wall, GraceMs: graceMs})
		if err != nil || p.Grace != 40*time.Second || p.Start.TTLLimitMs != 2*graceMs {
			t.Fatalf("start %d: grace %v, TTL limit %d ms: %v", p.Start.Number, p.Grace, p.Start.TTLLimitMs, err)
		}
		former = p.Start
	}
}

func TestDecideRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"an image of another table", func(f *Facts) { f.Image.Lineage[0] = 1 }, "another table than START"},
		{"an image under another name", func(f *Facts) { f.ImageName = snapshot.FileName(3, 8) }, "rename it to " + snapshot.FileName(3, 7)},
		{"tokens up to the end", func(f *Facts) { f.Former.TokenCeiling = codec.TokenMax }, "no fencing tokens are left"},
	} {
		f := stopped()
		c.change(&f)
		if _, err := Decide(&f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestStartable checks which directory a process may serve from as a primary.
func TestStartable(t *testing.T) {
	for role, want := range map[snapshot.ServerState]bool{snapshot.Primary: true, snapshot.Following: false, snapshot.SteppedDown: false} {
		f := stopped()
		f.Former.State = role
		if f.Startable() != want {
			t.Errorf("role %s: %v", role, !want)
		}
		f.Promotion = &Promotion{}
		if !f.Startable() {
			t.Errorf("role %s can't be promoted", role)
		}
	}
}

// TestPromotionBeginsAfterLoad checks that leases do not run while the image is loaded.
func TestPromotionBeginsAfterLoad(t *testing.T) {
	f := stopped()
	f.Promotion, f.Image.Holds = &Promotion{Now: 1000}, 10
	p, err := Decide(&f)
	if want := 1000 + int64(loadBase+10*loadPerHold); err != nil || p.Begun != want {
		t.Errorf("begins at %d, not %d: %v", p.Begun, want, err)
	}
	if r := p.Recovery(f.Image); r.Now != p.Begun || r.ImageTime != 5 || r.Grace != int64(p.Grace) {
		t.Errorf("recovery %+v", r)
	}
	p.Loaded(3 * graceMs)
	if p.Start.TTLLimitMs != 3*graceMs {
		t.Errorf("TTL limit %d ms", p.Start.TTLLimitMs)
	}
}
