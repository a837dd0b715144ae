package engine

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dlm/codec"
	"dlm/engine/durability"
	"dlm/engine/snapshot"
)

// floorIn returns the number of the --token-floor that the words advise.
func floorIn(t *testing.T, words string) codec.Token {
	t.Helper()
	found := regexp.MustCompile(`--token-floor (\d+)`).FindStringSubmatch(words)
	if found == nil {
		t.Fatalf("no --token-floor in %q", words)
	}
	floor, err := strconv.ParseUint(found[1], 10, 53)
	if err != nil {
		t.Fatal(err)
	}
	return codec.Token(floor)
}

func withFloor(floor codec.Token) func(*Config) {
	return func(c *Config) { c.TokenFloor = floor }
}

func TestTokensStartAboveFloor(t *testing.T) {
	const floor = 1 << 51
	memory := newSim(t, withFloor(floor))
	if token := tokenOf(t, memory.ask("ACQUIRE a svc 0")); token <= floor {
		t.Errorf("in memory: token %d", token)
	}
	dir := t.TempDir()
	s := mustStart(t, dir, withFloor(floor))
	token := tokenOf(t, s.ask("ACQUIRE a svc 0"))
	if token <= floor {
		t.Errorf("with a directory: token %d", token)
	}
	s.image()
	s.crash()
	s = mustStart(t, dir, withFloor(5)) // the directory knows better
	s.advance(s.e.store.State().Grace + time.Second)
	if next := tokenOf(t, s.ask("ACQUIRE b svc 0")); next <= token {
		t.Errorf("a smaller floor: token %d after %d", next, token)
	}
	s.crash()
}

// TestAdviceNamesFloor: an empty directory that begins with the advised floor gives larger
// tokens than before, though promotions have put these ahead of the clock.
func TestAdviceNamesFloor(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	b := newBackup(t, one, two)
	b.mustFollow()
	p.crash()
	b.mustPromote()
	b.advance(b.e.store.State().Grace + time.Second)
	largest := codec.Token(tokenOf(t, b.ask("ACQUIRE a svc 0")))
	if largest < durability.WallToken(time.Now())+durability.TokenLeap {
		t.Fatalf("token %d: the promotion has not put it ahead of the clock", largest)
	}
	b.image()
	b.crash()

	start, err := snapshot.ReadStart(one)
	if err != nil {
		t.Fatal(err)
	}
	start.State = snapshot.SteppedDown
	if err := snapshot.WriteStart(one, &start); err != nil {
		t.Fatal(err)
	}
	images, err := snapshot.Images(two)
	if err != nil || len(images) < 2 {
		t.Fatal(images, err)
	}
	for _, name := range images[1:] {
		if err := os.Remove(filepath.Join(two, name)); err != nil {
			t.Fatal(err)
		}
	}
	damageNewest(t, two)
	for _, c := range []struct {
		what, dir string
		damage    bool
		change    func(*Config)
	}{
		{"a directory that was deposed", one, false, nil},
		{"no sound image", two, false, func(c *Config) { c.RecoverOlder = true }},
		{"a damaged START", two, true, nil},
	} {
		if c.damage {
			writeFile(t, filepath.Join(c.dir, "START"), []byte("dlm-start 2\nlineage=?\n"))
		}
		_, err := newDurableSim(t, c.dir, c.change)
		if err == nil {
			t.Fatalf("%s: it starts", c.what)
		}
		anew := mustStart(t, t.TempDir(), withFloor(floorIn(t, err.Error())))
		if token := codec.Token(tokenOf(t, anew.ask("ACQUIRE a svc 0"))); token <= largest {
			t.Errorf("%s: with what is advised the token is %d, after %d", c.what, token, largest)
		}
		anew.crash()
	}
}

// TestBackupKnowsLargerTokens: a primary whose directory is restored from an older copy falls below
// its own tokens. The backup that has seen them warns with the number to use, and goes on above
// them when it is promoted.
func TestBackupKnowsLargerTokens(t *testing.T) {
	const ahead = 1 << 51
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, nil)
	p.image()
	p.crash()
	copied := readFile(t, filepath.Join(one, "START"))
	p = mustStart(t, one, withFloor(ahead))
	p.image()
	b := newBackup(t, one, two)
	b.mustFollow()
	p.crash()
	restored := func() {
		names, err := snapshot.Images(one)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names[:len(names)-1] {
			if err := os.Remove(filepath.Join(one, name)); err != nil {
				t.Fatal(err)
			}
		}
		writeFile(t, filepath.Join(one, "START"), copied)
	}
	restored()
	for range 2 { // the first is start 2 again, which is not newer than what the backup has
		p = mustStart(t, one, nil)
		p.crash()
	}
	p = mustStart(t, one, nil)
	p.image()
	if token := tokenOf(t, func() string { p.advance(p.e.store.State().Grace + time.Second); return p.ask("ACQUIRE a svc 0") }()); token > ahead {
		t.Fatalf("the restored directory knows of its tokens: %d", token)
	}
	b.log.Reset()
	b.mustFollow()
	if floor := floorIn(t, b.log.String()); floor <= ahead {
		t.Errorf("a floor of %d is advised", floor)
	}
	b.log.Reset()
	p.image()
	if err := b.follow(); err != nil || strings.Contains(b.log.String(), "token-floor") {
		t.Errorf("%v; it warns at each image: %s", err, b.log.String())
	}
	p.crash()
	b.crash()

	b = newBackup(t, one, two) // a restart forgets nothing
	b.mustPromote()
	if start := b.e.store.State().Start.TokenStart; start <= ahead+durability.TokenReserve {
		t.Errorf("promoted with tokens from %d", start)
	}
	b.crash()
}

// TestAnotherTableWithSmallerTokens: the primary's directory was emptied.
func TestAnotherTableWithSmallerTokens(t *testing.T) {
	const ahead = 1 << 51
	one, two := t.TempDir(), t.TempDir()
	p := mustStart(t, one, withFloor(ahead))
	p.image()
	b := newBackup(t, one, two)
	b.mustFollow()
	p.crash()
	if err := os.RemoveAll(one); err != nil {
		t.Fatal(err)
	}
	p = mustStart(t, one, nil)
	p.crash()
	p = mustStart(t, one, nil)
	p.image()
	err := b.follow()
	if err == nil || !strings.Contains(err.Error(), "another table") {
		t.Fatalf("it follows: %v", err)
	}
	if floor := floorIn(t, err.Error()); floor <= ahead {
		t.Errorf("a floor of %d is advised", floor)
	}
	p.crash()
	b.crash()
}
