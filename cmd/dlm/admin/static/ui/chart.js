// Lines over ten minutes and histograms, drawn by uPlot in the colours of the style sheet.

import { el } from "./dom.js";
import { duration, short } from "./format.js";
import { on, RING } from "./store.js";

const uPlot = window.uPlot;
const charts = new Set();

// colour returns what a custom property of the style sheet means in the present theme.
function colour(property) {
  const probe = document.body.appendChild(el("span", { hidden: true }));
  probe.style.color = `var(${property})`;
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const redraw = () => charts.forEach((c) => c.rebuild());
on("choice", (key) => key === "theme" && redraw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// Chart keeps a uPlot as wide as its box, and makes it anew when the theme changes.
class Chart {
  constructor(options, height) {
    this.options = options;
    this.height = height;
    this.node = el("div", { class: "chart", "aria-hidden": "true" });
    this.node.style.height = `${height}px`;
    this.data = null;
    this.size = new ResizeObserver(() => this.fit());
    this.size.observe(this.node);
    charts.add(this);
  }

  fit() {
    const width = Math.floor(this.node.clientWidth);
    if (!width || !this.data) return;
    if (this.plot) this.plot.setSize({ width, height: this.height });
    else this.plot = new uPlot({ ...this.options(), width, height: this.height }, this.data, this.node);
  }

  show(data) {
    this.data = data;
    if (this.plot) this.plot.setData(data);
    else this.fit();
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.fit();
  }

  close() {
    charts.delete(this);
    this.size.disconnect();
    this.plot?.destroy();
  }
}

const hidden = { show: false };

// spark draws one or more lines over ten minutes. All sparks of a group share the pointer;
// onPoint(index or null) says where it is.
export function spark(series, group, onPoint) {
  const chart = new Chart(() => ({
    padding: [3, 0, 1, 0],
    legend: hidden,
    axes: [hidden, hidden],
    scales: { x: { time: false, range: [0, RING - 1] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.05 : 1] } },
    cursor: { x: true, y: false, points: { size: 5 }, drag: { x: false, y: false }, sync: { key: group, setSeries: false } },
    series: [{}, ...series.map(([stroke, fill]) => ({ stroke: colour(stroke), width: 1.25, fill: fill && colour(fill), points: hidden }))],
    hooks: { setCursor: onPoint ? [(u) => onPoint(u.cursor.idx ?? null, u.cursor.left)] : [] },
  }), 36);
  return chart;
}

// columnsOf makes columns as long as the ring, empty where there was no sample yet.
export function columnsOf(...columns) {
  const x = Array.from({ length: RING }, (_, i) => i);
  return [x, ...columns.map((c) => [...Array(Math.max(0, RING - (c?.length ?? 0))).fill(null), ...(c ?? []).slice(-RING)])];
}

// histogram draws counts per bucket. The buckets double, so they are drawn as equal steps.
export function histogram(sets) {
  let limits = [];
  const chart = new Chart(() => ({
    padding: [8, 4, 0, 0],
    legend: hidden,
    cursor: { show: false },
    scales: { x: { time: false, range: (_, low, high) => [low - 0.6, high + 0.6] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { stroke: colour("--ink3"), grid: hidden, ticks: hidden, size: 22, gap: 4, font: "11px system-ui, sans-serif", splits: (u) => ticks(u.data[0]), values: (_, at) => at.map((i) => (limits[i] ? tidy(limits[i]) : "")) },
      { stroke: colour("--ink3"), grid: { stroke: colour("--line"), width: 1 }, ticks: hidden, size: 40, gap: 4, space: 28, font: "11px system-ui, sans-serif", values: (_, at) => at.map((v) => (Number.isInteger(v) ? short(v) : "")) },
    ],
    series: [{}, ...sets.map(([fill]) => ({ stroke: colour(fill), fill: colour(fill), width: 0, points: hidden, paths: uPlot.paths.bars({ size: [0.8, 60], align: 0 }) }))],
  }), 150);
  // update takes the upper ends of the buckets and a list of counts per set. Sets are stacked.
  chart.update = (le, ...counts) => {
    limits = le;
    const sums = le.map((_, i) => counts.reduce((sum, c) => sum + (c[i] ?? 0), 0));
    const first = Math.max(0, sums.findIndex((n) => n > 0) - 1);
    const last = Math.max(first + 6, sums.findLastIndex((n) => n > 0) + 1);
    const x = Array.from({ length: Math.min(last, le.length - 1) - first + 1 }, (_, i) => first + i);
    const stacked = counts.map((_, at) => x.map((i) => counts.slice(at).reduce((sum, c) => sum + (c[i] ?? 0), 0)));
    const total = sums.reduce((a, b) => a + b, 0);
    chart.node.hidden = total === 0;
    if (total) chart.show([x, ...stacked]);
    return total;
  };
  return chart;
}

function ticks(x) {
  const step = Math.ceil(x.length / 8);
  return x.filter((_, i) => i % step === 0);
}

const tidy = (ms) => duration(Number(ms.toPrecision(2)));

// quantile returns the upper end of the bucket in which a part of all counts is reached.
export function quantile(le, counts, part) {
  const total = counts.reduce((a, b) => a + b, 0);
  if (!total) return null;
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i];
    if (sum >= part * total) return le[i] ?? Infinity;
  }
  return null;
}
