// Numbers, durations and instants in the words of the page.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (n) => (n === undefined || n === null ? "–" : whole.format(n));

// short writes a count in at most five characters: 9,412, 12.3 k, 1.20 M.
export function short(n) {
  if (n === undefined || n === null) return "–";
  if (n < 10_000) return whole.format(n);
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (n >= size) return `${digits(n / size)} ${unit}`;
  }
  return whole.format(n);
}

const digits = (x) => x.toFixed(x < 10 ? 2 : x < 100 ? 1 : 0);

// duration writes milliseconds in one or two units: 0.4 ms, 38 ms, 4.1 s, 2 m 05 s, 3 h 12 m.
export function duration(ms) {
  if (ms === undefined || ms === null) return "–";
  if (ms < 0) ms = 0;
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)} m ${two(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${two((s % 3600) / 60)} m`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// rough writes milliseconds in two digits and one unit, for the labels of a scale: 66 ms, 9.2 m.
export function rough(ms) {
  for (const [unit, size] of [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1000]]) {
    if (ms >= size) return `${Number((ms / size).toPrecision(2))} ${unit}`;
  }
  return `${Number(ms.toPrecision(2))} ms`;
}

export function bytes(n) {
  if (n === undefined || n === null) return "–";
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (n >= size) return `${digits(n / size)} ${unit}`;
  }
  return `${n} B`;
}

export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many ?? one + "s"}`;

// percent of a limit; a limit of 0 is none.
export const percent = (part, of) => (of ? (100 * part) / of : 0);

// share writes a part of a whole; what is not nothing is not 0 %.
export const share = (part) => (part > 0 && part < 0.01 ? "less than 1 %" : `${Math.floor(part * 100)} %`);

let utc = false;
let clocks = {};

// useUTC chooses the zone of all instants.
export function useUTC(on) {
  utc = on;
  clocks = {};
}

function formatter(kind, options) {
  clocks[kind] ??= new Intl.DateTimeFormat("en-GB", { ...options, timeZone: utc ? "UTC" : undefined });
  return clocks[kind];
}

const seconds = { hour: "2-digit", minute: "2-digit", second: "2-digit" };

// clock writes an instant of today as a time, an earlier one with its day.
export function clock(atMs, nowMs = Date.now()) {
  const day = formatter("day", { day: "numeric", month: "short" });
  const time = formatter("time", seconds).format(atMs);
  return day.format(atMs) === day.format(nowMs) ? time : `${day.format(atMs)} ${time}`;
}

// instant writes date, time and zone.
export function instant(atMs) {
  const full = formatter("full", { day: "numeric", month: "short", year: "numeric", ...seconds, timeZoneName: "short" });
  return full.format(atMs);
}
