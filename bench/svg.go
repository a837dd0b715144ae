package bench

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// point is one measurement in a plot.
type point struct{ x, y float64 }

// series is one line of a plot.
type series struct {
	name   string
	points []point
}

// plot is a diagram with logarithmic x and y: both go over powers of ten.
type plot struct {
	title, xLabel, yLabel string
	formatX, formatY      func(float64) string
	series                []series
}

// The size of a plot and of what surrounds its area, in pixels.
const (
	plotWidth, plotHeight = 720, 440
	plotLeft, plotRight   = 80, 200
	plotTop, plotBottom   = 40, 50
)

// plotColours can be told apart by people who do not see red and green.
var plotColours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// WriteSVG writes plots to a directory: throughput against depth from closed
// loops, latency against load from open ones. A plot without points is left out.
func (r *Report) WriteSVG(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, p := range map[string]plot{"throughput-depth.svg": r.throughputPlot(), "latency-load.svg": r.latencyPlot()} {
		if len(p.series) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), p.svg(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// throughputPlot has a line for each workload, form and number of connections.
func (r *Report) throughputPlot() plot {
	p := plot{title: "Throughput against depth", xLabel: "commands under way per connection", yLabel: "commands per second",
		formatX: FormatCount, formatY: FormatCount}
	for _, c := range r.Cells {
		if y, _, _, ok := c.Of(PerSecond); ok && c.Rate == 0 && c.Step == "" {
			p.add(fmt.Sprintf("%s %s, %d conns", c.Workload, c.Form, c.Conns), point{float64(c.Depth), y})
		}
	}
	return p
}

// latencyPlot has lines for the middle and the tail of each open loop.
func (r *Report) latencyPlot() plot {
	p := plot{title: "Latency against load", xLabel: "commands per second", yLabel: "latency from the intended send time",
		formatX: FormatCount, formatY: FormatNs}
	for _, c := range r.Cells {
		if c.Rate == 0 {
			continue
		}
		for name, figure := range map[string]func(*Round) *float64{"p50": P50, "p99": P99, "p99.9": P999} {
			if y, _, _, ok := c.Of(figure); ok {
				p.add(fmt.Sprintf("%s %s depth %d %s", c.Workload, c.Form, c.Depth, name), point{float64(c.Rate), y})
			}
		}
	}
	slices.SortFunc(p.series, func(a, b series) int { return strings.Compare(a.name, b.name) })
	return p
}

func (p *plot) add(name string, at point) {
	for i := range p.series {
		if p.series[i].name == name {
			p.series[i].points = append(p.series[i].points, at)
			return
		}
	}
	p.series = append(p.series, series{name, []point{at}})
}

// svg draws the plot.
func (p *plot) svg() []byte {
	x, y := p.axis(func(a point) float64 { return a.x }), p.axis(func(a point) float64 { return a.y })
	x.from, x.to = plotLeft, plotWidth-plotRight
	y.from, y.to = plotHeight-plotBottom, plotTop
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	text(&b, plotLeft, 24, "start", "font-size=\"16\"", p.title)
	for _, v := range x.ticks() {
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/>`+"\n", x.at(v), plotTop, plotHeight-plotBottom)
		text(&b, x.at(v), plotHeight-plotBottom+16, "middle", "", p.formatX(v))
	}
	for _, v := range y.ticks() {
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/>`+"\n", plotLeft, y.at(v), plotWidth-plotRight)
		text(&b, plotLeft-6, y.at(v)+4, "end", "", p.formatY(v))
	}
	text(&b, (plotLeft+plotWidth-plotRight)/2, plotHeight-12, "middle", "", p.xLabel)
	text(&b, 0, 0, "middle", fmt.Sprintf(`transform="translate(16 %d) rotate(-90)"`, (plotTop+plotHeight-plotBottom)/2), p.yLabel)
	for i, s := range p.series {
		s.draw(&b, x, y, plotColours[i%len(plotColours)], plotTop+8+18*i)
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// draw adds a line, its points and its entry in the legend.
func (s series) draw(b *strings.Builder, x, y axis, colour string, legendY int) {
	points := slices.SortedFunc(slices.Values(s.points), func(a, c point) int { return int(math.Copysign(1, a.x-c.x)) })
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
	for i, p := range points {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(b, "%.1f,%.1f", x.at(p.x), y.at(p.y))
	}
	b.WriteString("\"/>\n")
	for _, p := range points {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x.at(p.x), y.at(p.y), colour)
	}
	at := plotWidth - plotRight + 12
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="10" height="10" fill="%s"/>`+"\n", at, legendY-9, colour)
	text(b, float64(at+15), float64(legendY), "start", "font-size=\"11\"", s.name)
}

func text(b *strings.Builder, x, y float64, anchor, more, words string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`+"\n", x, y, anchor, more, html.EscapeString(words))
}

// axis maps values to pixels over the logarithm.
type axis struct {
	low, high float64 // values at its ends, above zero
	from, to  float64 // pixels
}

// axis spans the values of all points, and at least a factor of ten.
func (p *plot) axis(of func(point) float64) axis {
	low, high := math.Inf(1), 0.0
	for _, s := range p.series {
		for _, a := range s.points {
			v := max(of(a), 1) // a logarithm has no zero
			low, high = min(low, v), max(high, v)
		}
	}
	return axis{low: low / 1.3, high: max(high*1.3, low*10)}
}

func (a axis) at(v float64) float64 {
	part := math.Log(max(v, 1)/a.low) / math.Log(a.high/a.low)
	return a.from + part*(a.to-a.from)
}

// ticks are 1, 2 and 5 times the powers of ten within the axis.
func (a axis) ticks() (values []float64) {
	for power := math.Pow(10, math.Floor(math.Log10(a.low))); power <= a.high; power *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if v := step * power; v >= a.low && v <= a.high {
				values = append(values, v)
			}
		}
	}
	return values
}
