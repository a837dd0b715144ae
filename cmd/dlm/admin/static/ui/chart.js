// Lines over ten minutes, and histograms. Their colours are classes of the style sheet, so they
// follow the theme.

import { el, put, shape } from "./dom.js";
import { rough, short } from "./format.js";
import { RING } from "./store.js";

const HIGH = 36; // of lines, in pixels; they are as wide as their box

// spark draws lines over ten minutes. A line has a class for its colour, and may have an area under
// it. onPoint hears the index of the sample that the pointer is at, null if it leaves.
export function spark(lines, onPoint) {
  const drawn = lines.map(({ colour, area }) => ({ line: shape("path", { class: `line ${colour}` }), area: area ? shape("path", { class: `area ${colour}` }) : null }));
  const mark = shape("path", { class: "mark" });
  const node = shape("svg", { class: "spark", viewBox: `0 0 ${RING - 1} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true",
    onpointermove(event) {
      const { left, width } = node.getBoundingClientRect();
      onPoint(Math.max(0, Math.min(RING - 1, Math.round(((event.clientX - left) / width) * (RING - 1)))));
    },
    onpointerleave: () => onPoint(null),
  }, drawn.map((d) => [d.area, d.line]), mark);
  return {
    node,
    point: (i) => mark.setAttribute("d", i === null ? "" : `M${i} 0V${HIGH}`),
    // show takes a column per line, whose last sample is that of now.
    show(columns) {
      const top = 1.05 * Math.max(0, ...columns.flat()) || 1;
      columns.forEach((column, at) => {
        const begin = RING - column.length;
        const d = column.length ? `M${column.map((value, i) => `${begin + i} ${(HIGH - 1 - ((HIGH - 4) * value) / top).toFixed(1)}`).join("L")}` : "";
        drawn[at].line.setAttribute("d", d);
        drawn[at].area?.setAttribute("d", d && `${d}V${HIGH}H${begin}Z`);
      });
    },
  };
}

// histogram draws counts per bucket as bars, of one colour per list of counts. The buckets double,
// so they are drawn as equal steps.
export function histogram(...colours) {
  const node = el("div", { class: "histogram", "aria-hidden": "true" });
  return {
    node,
    // update takes the upper ends of the buckets and the lists of counts. It returns their sum.
    update(le, ...counts) {
      const sums = le.map((_, i) => counts.reduce((sum, c) => sum + (c[i] ?? 0), 0));
      const first = Math.max(0, sums.findIndex((n) => n > 0) - 1);
      const last = Math.min(le.length - 1, Math.max(first + 6, sums.findLastIndex((n) => n > 0) + 1));
      const step = Math.ceil((last - first + 1) / 8); // between two labels
      const top = scaleTop(Math.max(...sums));
      const bars = [];
      for (let i = first; i <= last; i++) {
        bars.push(el("div", { class: "column" }, colours.map((colour, at) => part(colour, counts[at][i] / top)).reverse(), i < last && (i - first) % step === 0 && le[i] && el("span", null, rough(le[i]))));
      }
      put(node, el("div", { class: "scale" }, [top, top / 2].map((n) => el("span", null, Number.isInteger(n) && short(n).replace(/\.0+ /, " ")))), el("div", { class: "bars" }, bars));
      const total = sums.reduce((a, b) => a + b, 0);
      node.hidden = total === 0;
      return total;
    },
  };
}

function part(colour, share) {
  const box = el("i", { class: colour });
  box.style.height = `${100 * share}%`;
  return box;
}

// scaleTop returns the upper end of a scale, of which the half is a whole number, too.
function scaleTop(most) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 4, 10].map((n) => n * unit).find((n) => n >= most);
}

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
