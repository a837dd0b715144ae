package testflag

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
)

// probe notes what a test of a random test logs, and fails in its place.
type probe struct {
	testing.TB
	lines  []string
	failed bool
}

func (p *probe) Helper()         {}
func (p *probe) Name() string    { return "TestWaits" }
func (p *probe) Failed() bool    { return p.failed }
func (p *probe) Log(args ...any) { p.lines = append(p.lines, fmt.Sprint(args...)) }
func (p *probe) FailNow()        { p.failed = true; runtime.Goexit() }

func TestSeedThatFailsIsPrinted(t *testing.T) {
	for name, fail := range map[string]func(*probe){
		"by an error": func(p *probe) { p.failed = true },
		"at once":     func(p *probe) { p.FailNow() },
	} {
		p := &probe{TB: t}
		var ran []uint64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for s := range First(p, 5) {
				if ran = append(ran, s); s == 3 {
					fail(p)
				}
			}
		}()
		<-done
		want := []string{"replay with: go test ./internal/testflag -run '^TestWaits$' -seed 3"}
		if !slices.Equal(ran, []uint64{1, 2, 3}) || !slices.Equal(p.lines, want) {
			t.Errorf("%s: ran %v, printed %q", name, ran, p.lines)
		}
	}
}

func TestSeedOfFlagIsOnlyOne(t *testing.T) {
	defer func() { *seed = 0 }()
	*seed = 42
	if got := slices.Collect(Random(t, 5)); !slices.Equal(got, []uint64{42}) {
		t.Errorf("ran %v", got)
	}
	*seed = 0
	if got := slices.Collect(Random(t, 5)); len(got) != 5 || !slices.Equal(got[:3], []uint64{1, 2, 3}) || slices.Contains(got, 0) {
		t.Errorf("ran %v", got)
	}
}
