package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The micro-benchmarks show which part became slower, and see what a whole
// server hides. The base takes part twice, as with the servers. A benchmark is
// slower if both hold: its ratio is beyond the noise of base against base, and
// benchstat finds the two samples to differ.

// microPackages have the benchmarks of the way of a command.
var microPackages = []string{"codec", "table", "table/wheel"}

const (
	// microRounds gives benchstat samples enough for microAlpha.
	microRounds = 9
	// microTime is long against a tick of the scheduler, and lets all rounds of
	// all sides pass in about a minute.
	microTime = "60ms"
	// microSkip leaves out what takes seconds to set up, nearly all of the time.
	microSkip = "Pair/names=1000000|Held/renew/names=1000000"
	// microAlpha is the chance that benchstat takes noise for a difference. There
	// are some thirty benchmarks: at the usual 0.05 one would in every run.
	microAlpha = "0.005"
)

// microSide is one of the three that are compared.
type microSide struct {
	name     string
	binaries map[string]string // by package
	output   map[string]*bytes.Buffer
}

// buildMicro builds the benchmarks of a tree; one that lacks a package is not
// compared in it.
func (f *field) buildMicro(ctx context.Context, name, tree string) (*microSide, error) {
	side := &microSide{name: name, binaries: map[string]string{}, output: map[string]*bytes.Buffer{}}
	for _, pkg := range microPackages {
		if _, err := os.Stat(filepath.Join(tree, pkg)); err != nil {
			continue
		}
		path := filepath.Join(f.dir, name+"-"+strings.ReplaceAll(pkg, "/", "-")+".test")
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
func (f *field) micro(ctx context.Context, sides []*microSide) error {
	for round := range microRounds {
		fmt.Fprintf(os.Stderr, "round %d of %d: micro-benchmarks\n", round+1, microRounds)
		for _, pkg := range microPackages {
			for i := range sides {
				if err := f.microOnce(ctx, sides[(i+round)%len(sides)], pkg); err != nil {
					return err
				}
			}
		}
	}
	fmt.Println("| benchmark | base, ns | tree | tree / base | noise | limit | benchstat | |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|---|")
	slower := false
	for _, pkg := range microPackages {
		worse, err := f.judgeMicro(ctx, pkg, sides)
		if err != nil {
			return err
		}
		slower = slower || worse
	}
	fmt.Println()
	if slower {
		return fmt.Errorf("micro-benchmarks: %w %s", errSlower, f.s.base)
	}
	return nil
}

func (f *field) microOnce(ctx context.Context, side *microSide, pkg string) error {
	path, ok := side.binaries[pkg]
	if !ok {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := f.command(path, "-test.run", "^$", "-test.bench", ".", "-test.skip", microSkip, "-test.benchtime", microTime)
	cmd.Dir = f.dir
	cmd.Stdout, cmd.Stderr = side.output[pkg], os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("benchmarks of %s, %s: %w", pkg, side.name, err)
	}
	return nil
}

// judgeMicro prints the rows of a package and tells whether one is slower.
func (f *field) judgeMicro(ctx context.Context, pkg string, sides []*microSide) (slower bool, err error) {
	base, tree, again := sides[0].output[pkg], sides[1].output[pkg], sides[2].output[pkg]
	if base == nil || tree == nil {
		return false, nil
	}
	found, err := f.benchstat(ctx, base.Bytes(), tree.Bytes())
	if err != nil {
		return false, err
	}
	a, names := nsPerOp(base.String())
	t, _ := nsPerOp(tree.String())
	b, _ := nsPerOp(again.String())
	for _, name := range names {
		if len(a[name]) != len(t[name]) || len(a[name]) != len(b[name]) {
			continue // only one side has it
		}
		v, d := compareRounds(a[name], b[name], t[name]), found[name]
		word := "ok"
		if v.slower() && d.real {
			word, slower = "SLOWER", true
		}
		fmt.Printf("| %s %s | %.1f | %.1f | %.3f | ±%.1f %% | %.3f | %s | %s |\n", pkg, name, middle(a[name]), middle(t[name]),
			v.ratio, 100*v.noise, v.limit, d.p, word)
	}
	return slower, nil
}

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+)\s+\d+\s+([0-9.]+) ns/op`)

// nsPerOp reads the times out of the output of benchmarks, by name, and the
// names in their order.
func nsPerOp(output string) (ns map[string][]float64, names []string) {
	ns = make(map[string][]float64)
	for _, m := range benchmarkLine.FindAllStringSubmatch(output, -1) {
		v, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			continue // a line that was cut
		}
		if _, ok := ns[m[1]]; !ok {
			names = append(names, m[1])
		}
		ns[m[1]] = append(ns[m[1]], v)
	}
	return ns, names
}

// difference is what benchstat says about one benchmark.
type difference struct {
	real bool   // not noise, in its opinion
	p    string // the chance of as much by noise, and the number of samples
}

// benchstat asks benchstat about the times of two outputs.
func (f *field) benchstat(ctx context.Context, base, tree []byte) (map[string]difference, error) {
	a, b := filepath.Join(f.dir, "base.txt"), filepath.Join(f.dir, "tree.txt")
	if err := errors.Join(os.WriteFile(a, base, 0o600), os.WriteFile(b, tree, 0o600)); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", f.s.benchstat, "-alpha", microAlpha, "-format", "csv", a, b)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("benchstat: %w\n%s", err, complaint.Bytes())
	}
	return differences(bytes.NewReader(out))
}

// differences reads the table of times of benchstat's CSV form:
//
//	,sec/op,CI,sec/op,CI,vs base,P
//	Decode/text/ping,9.4e-08,1%,9.5e-08,2%,~,p=0.700 n=9
func differences(in io.Reader) (map[string]difference, error) {
	const deltaAt, pAt = 5, 6
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("benchstat: %w", err)
	}
	found, times := make(map[string]difference), false
	for _, row := range rows {
		switch {
		case len(row) > 1 && row[0] == "": // the head of a table, whose second line has the unit
			times = row[1] == "sec/op"
		case times && len(row) > pAt && row[pAt] != "":
			found[row[0]] = difference{real: row[deltaAt] != "~", p: row[pAt]}
		}
	}
	return found, nil
}
