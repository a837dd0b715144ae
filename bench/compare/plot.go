package main

import (
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"dlm/bench"
)

// The size of a plot.
const plotWidth, plotHeight = 20 * vg.Centimeter, 12 * vg.Centimeter

// writePlots draws CPU time per command and commands per second against depth, a line for each
// server, into files of a directory.
func (u *suite) writePlots(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := u.writePlot(filepath.Join(dir, "cpu.svg"), "server CPU per command, ns", bench.CPU); err != nil {
		return err
	}
	return u.writePlot(filepath.Join(dir, "throughput.svg"), "commands per second", bench.PerSecond)
}

func (u *suite) writePlot(path, label string, figure func(*bench.Round) *float64) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "commands under way on each connection", label
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{}, plot.LogTicks{}
	p.Legend.Top = true
	var lines []any
	for _, e := range u.servers {
		if points := u.points(e, figure); len(points) > 0 {
			lines = append(lines, e.name, points)
		}
	}
	if err := plotutil.AddLinePoints(p, lines...); err != nil {
		return err
	}
	return p.Save(plotWidth, plotHeight, path)
}

// points are the medians of a figure of a server, by depth.
func (u *suite) points(e *server, figure func(*bench.Round) *float64) (points plotter.XYs) {
	for _, depth := range slices.Sorted(slices.Values(u.s.depths)) {
		if cell := e.cells[depth]; cell != nil {
			if y, _, _, ok := cell.Of(figure); ok && y > 0 {
				points = append(points, plotter.XY{X: float64(depth), Y: y})
			}
		}
	}
	return points
}
