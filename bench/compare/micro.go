package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"

	"dlm/bench"
)

// The micro-benchmarks show which part became slower, and see what a whole
// server hides. The base takes part twice, as with the servers. A benchmark is
// slower if both hold: its ratio is beyond the noise of base against base, and
// the U test finds the two samples to differ.

// microPackages have the benchmarks of the path of a command.
var microPackages = []string{"codec", "table", "table/wheel"}

const (
	// microRounds gives samples enough for the thresholds.
	microRounds = 9
	// microTime is long against a tick of the scheduler, and lets all rounds of
	// all sides pass in about a minute.
	microTime = "60ms"
	// microSkip leaves out what takes seconds to set up, nearly all of the time.
	microSkip = "Pair/names=1000000|Held/renew/names=1000000"
)

// microThresholds has the chance that noise is taken for a difference. There are some thirty
// benchmarks: at the usual 0.05 one would be in every run.
var microThresholds = benchmath.Thresholds{CompareAlpha: 0.005}

// microSide is one of the three that are compared.
type microSide struct {
	name     string
	binaries map[string]string // by package
	output   map[string]*bytes.Buffer
}

// buildMicro builds the benchmarks of a tree; one that lacks a package is not
// compared in it.
func (u *suite) buildMicro(ctx context.Context, name, tree string) (*microSide, error) {
	side := &microSide{name: name, binaries: map[string]string{}, output: map[string]*bytes.Buffer{}}
	for _, pkg := range microPackages {
		if _, err := os.Stat(filepath.Join(tree, pkg)); err != nil {
			continue
		}
		path := filepath.Join(u.dir, name+"-"+strings.ReplaceAll(pkg, "/", "-")+".test")
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", path, "./"+pkg)
		build.Dir = tree
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go test -c ./%s: %w\n%s", pkg, err, out)
		}
		side.binaries[pkg], side.output[pkg] = path, &bytes.Buffer{}
	}
	return side, nil
}

// again is the same side once more.
func (s *microSide) again() *microSide {
	o := &microSide{name: s.name + " again", binaries: s.binaries, output: map[string]*bytes.Buffer{}}
	for pkg := range s.binaries {
		o.output[pkg] = &bytes.Buffer{}
	}
	return o
}

// micro measures base, tree and base in turns and prints a row for each
// benchmark. It fails with errSlower if one is beyond noise.
func (u *suite) micro(ctx context.Context, sides []*microSide) error {
	for round := range microRounds {
		fmt.Fprintf(os.Stderr, "round %d of %d: micro-benchmarks\n", round+1, microRounds)
		for _, pkg := range microPackages {
			for i := range sides {
				if err := u.microOnce(ctx, sides[(i+round)%len(sides)], pkg); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println("| benchmark | base, ns | tree | tree / base | noise | limit | U test | |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|---|")
	words := map[string]int{}
	for _, pkg := range microPackages {
		checkMicro(pkg, sides, words)
	}
	fmt.Printf("\n%s\n\n", summary(words, nil))
	if words[wordSlower] > 0 {
		return fmt.Errorf("micro-benchmarks: %w %s", errSlower, u.s.base)
	}
	return nil
}

func (u *suite) microOnce(ctx context.Context, side *microSide, pkg string) error {
	path, ok := side.binaries[pkg]
	if !ok {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := u.command(path, "-test.run", "^$", "-test.bench", ".", "-test.skip", microSkip, "-test.benchtime", microTime)
	cmd.Dir = u.dir
	cmd.Stdout, cmd.Stderr = side.output[pkg], os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchmarks of %s, %s: %w", pkg, side.name, err)
	}
	return nil
}

// checkMicro prints the rows of a package and counts the words at their ends.
func checkMicro(pkg string, sides []*microSide, words map[string]int) {
	base, tree, again := sides[0].output[pkg], sides[1].output[pkg], sides[2].output[pkg]
	if base == nil || tree == nil {
		return
	}
	a, names := nsPerOp(base)
	t, _ := nsPerOp(tree)
	b, _ := nsPerOp(again)
	for _, name := range names {
		if len(a[name]) != len(t[name]) || len(a[name]) != len(b[name]) {
			continue // only one side has it
		}
		v := compareRounds(a[name], b[name], t[name])
		difference := benchmath.AssumeNothing.Compare(
			benchmath.NewSample(a[name], &microThresholds), benchmath.NewSample(t[name], &microThresholds))
		word := v.word()
		if word == wordSlower && difference.P >= difference.Alpha {
			word = wordNoisy
		}
		words[word]++
		fmt.Printf("| %s %s | %.1f | %.1f | %.3f | ±%.1f %% | %.3f | p=%.3f | %s |\n", pkg, name, bench.Median(a[name]), bench.Median(t[name]),
			v.ratio, 100*v.noise, v.limit, difference.P, word)
	}
}

// nsPerOp reads the times out of the output of benchmarks, by name, and the names in their order.
func nsPerOp(output *bytes.Buffer) (ns map[string][]float64, names []string) {
	ns = make(map[string][]float64)
	for r := benchfmt.NewReader(bytes.NewReader(output.Bytes()), "output"); r.Scan(); {
		result, ok := r.Result().(*benchfmt.Result)
		if !ok {
			continue // a line that was cut
		}
		name := string(result.Name.Full())
		seconds, ok := result.Value("sec/op")
		if !ok {
			continue
		}
		if _, known := ns[name]; !known {
			names = append(names, name)
		}
		ns[name] = append(ns[name], seconds*1e9)
	}
	return ns, names
}
