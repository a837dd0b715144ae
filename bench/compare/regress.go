package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"

	"dlm/bench"
)

const (
	// leastLimit is the least excess that counts as a regression, however
	// quiet the machine seems: two builds of one source differ by as much.
	leastLimit = 0.03
	// noiseTimes, divided by the root of n, turns the usual difference of the base to itself within
	// a round into three standard deviations of the median over n rounds, if the noise is normal.
	noiseTimes = 5.0
	// noisyLimit is the limit above which a row decides nothing, because the noise of the machine
	// could hide a regression of 10 %.
	noisyLimit = 1.10
)

// errSlower is returned when the tree costs more than its base, beyond noise.
var errSlower = errors.New("slower than the base")

// regress compares this tree with a commit by the server's CPU time per
// command, and by micro-benchmarks. The base takes part twice: what its two
// processes differ by is the noise of this machine at this time.
func regress(ctx context.Context, u *suite) error {
	tree, err := u.binary(ctx, u.s.dlm, "dlm", "./cmd/dlm", "")
	if err != nil {
		return err
	}
	base, micro, err := u.buildBase(ctx)
	if err != nil {
		return err
	}
	var result error
	if micro != nil {
		ours, err := u.buildMicro(ctx, "tree", ".")
		if err != nil {
			return err
		}
		// Before the servers start, whose ticks would interrupt it.
		result = u.micro(ctx, []*microSide{micro, ours, micro.again()})
		if result != nil && !errors.Is(result, errSlower) {
			return result
		}
	}
	return errors.Join(result, u.regressServers(ctx, base, tree))
}

func (u *suite) regressServers(ctx context.Context, base, tree string) error {
	for _, e := range []struct{ name, path string }{{"base", base}, {"tree", tree}, {"base again", base}} {
		if err := u.enterDLM(ctx, e.name, e.path, bench.Text); err != nil {
			return err
		}
	}
	fmt.Println("| load | depth | base, CPU ns/command | tree | tree / base | noise | limit | of least | |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|---|")
	var failed error
	words := map[string]int{}
	given := u.s.depths
	for _, l := range u.regressLoads() {
		u.s.depths = given
		if l.depth > 0 {
			u.s.depths = []int{l.depth}
		}
		for _, e := range u.servers {
			e.use, e.cells = l.use, map[int]*bench.Cell{}
		}
		err := u.measure(ctx)
		if err == nil {
			err = u.check(l.use.name, words)
		}
		if err != nil {
			fmt.Printf("| %s | | | | | | | | FAILED: %v |\n", l.use.name, err)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", l.use.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Printf("\n%s\n", summary(words, failed))
	if words[wordSlower] > 0 {
		failed = errors.Join(failed, fmt.Errorf("%w %s", errSlower, u.s.base))
	}
	return failed
}

// The words at the end of a row.
const (
	wordOK     = "ok"
	wordSlower = "SLOWER"
	wordNoisy  = "NOISY"
)

// summary returns the line after a table. A table without it was cut.
func summary(words map[string]int, failed error) string {
	line := fmt.Sprintf("%d rows ok, %d slower, %d NOISY: their limit is above %.2f, so they decide nothing.",
		words[wordOK], words[wordSlower], words[wordNoisy], noisyLimit)
	if failed != nil {
		line += " Some loads FAILED."
	}
	return line
}

// regressLoad is one load that tree and base are compared under.
type regressLoad struct {
	use   *form
	depth int // 0: the depths of the command line
}

// regressDepth is the depth of the loads that are measured at one depth.
const regressDepth = 64

// regressLoads are the workload of the command line, and the commands that clients send: with
// options, tags, long names, as arrays, and about locks that others hold.
func (u *suite) regressLoads() []regressLoad {
	loads := []regressLoad{{use: u.given}}
	for _, f := range clientForms {
		if f.name != bare {
			loads = append(loads, regressLoad{&f, regressDepth})
		}
	}
	for _, f := range contendedForms {
		loads = append(loads, regressLoad{&f, 1})
	}
	return loads
}

// buildBase builds the commit in a work tree of its own, which is removed again:
// the server, and the micro-benchmarks if they are wanted.
func (u *suite) buildBase(ctx context.Context) (server string, micro *microSide, err error) {
	dir := filepath.Join(u.dir, "base")
	if out, err := exec.CommandContext(ctx, "git", "worktree", "add", "--detach", dir, u.s.base).CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("git worktree add: %w\n%s", err, out)
	}
	defer func() {
		// Without a context: it has to go also after an interrupt.
		_ = exec.Command("git", "worktree", "remove", "--force", dir).Run()
	}()
	if u.s.micro {
		if micro, err = u.buildMicro(ctx, "base", dir); err != nil {
			return "", nil, err
		}
	}
	server, err = u.binary(ctx, "", "dlm-base", "./cmd/dlm", dir)
	return server, micro, err
}

// check prints a row for each depth of a load and counts the words at their ends.
func (u *suite) check(load string, words map[string]int) error {
	base, tree, again := u.servers[0], u.servers[1], u.servers[2]
	for _, depth := range u.s.depths {
		a, b, t := sharedRounds(base.cells[depth], again.cells[depth], tree.cells[depth])
		if len(a) <= u.s.rounds/2 {
			return fmt.Errorf("depth %d: the CPU time of all three is known in %d of %d rounds", depth, len(a), u.s.rounds)
		}
		v := compareRounds(a, b, t)
		words[v.word()]++
		fmt.Printf("| %s | %d | %.0f | %.0f | %.3f | ±%.1f %% | %.3f | %.2f | %s |\n", load, depth,
			bench.Median(a), bench.Median(t), v.ratio, 100*v.noise, v.limit, v.ofLeast, v.word())
	}
	return nil
}

// result is what rounds say about one depth.
type result struct {
	ratio float64 // of the tree to the base, the median over the rounds
	noise float64 // the usual difference of the base to itself within a round
	limit float64 // of ratio
	// ofLeast is the ratio of the least costs of all rounds, which a busy neighbour disturbs least.
	// It decides nothing.
	ofLeast float64
}

func (v result) slower() bool { return v.ratio > v.limit }

// word returns the word at the end of the row.
func (v result) word() string {
	switch {
	case v.slower():
		return wordSlower
	case v.limit > noisyLimit:
		return wordNoisy
	}
	return wordOK
}

// compareRounds compares within each round, so that a change of the machine
// from one round to the next falls on both sides.
func compareRounds(base, again, tree []float64) result {
	var ratios, differences []float64
	for i := range base {
		ratios = append(ratios, tree[i]/((base[i]+again[i])/2))
		differences = append(differences, math.Abs(again[i]/base[i]-1))
	}
	v := result{ratio: bench.Median(ratios), noise: bench.Median(differences)}
	v.ofLeast = slices.Min(tree) / min(slices.Min(base), slices.Min(again))
	v.limit = 1 + max(leastLimit, noiseTimes*v.noise/math.Sqrt(float64(len(base))))
	return v
}

// sharedRounds returns the costs of three cells in the rounds in which all of them are known. A
// busy machine may not let a server answer anything within a round.
func sharedRounds(base, again, tree *bench.Cell) (a, b, t []float64) {
	for i := range min(len(base.Rounds), len(again.Rounds), len(tree.Rounds)) {
		x, y, z := base.Rounds[i].CPU, again.Rounds[i].CPU, tree.Rounds[i].CPU
		if x != nil && y != nil && z != nil {
			a, b, t = append(a, *x), append(b, *y), append(t, *z)
		}
	}
	return a, b, t
}
