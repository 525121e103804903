"use strict";
// The data of the page, what its reader has chosen, and how values are written.

const DATA = JSON.parse(document.getElementById("data").textContent);
const MARKERS = JSON.parse(document.getElementById("markers").textContent);
const LOWER = "lower bound";
const chosen = { block: 0, metric: DATA.metrics[0].name, band: "all", x: "", y: "", row: "",
  family: "", words: "", sort: "rank", up: true };

const at = (id) => document.getElementById(id);
const block = () => DATA.blocks[chosen.block];
const label = (metric) => DATA.metrics.find((each) => each.name === metric).label;
const bandName = (band) => (band === "all" ? "all items" : `${band} items`);
const isNumber = (value) => typeof value === "number";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// The marker of a row, as figures have it.
function marker(row, size) {
  const { path, filled } = MARKERS[row.marker];
  const paint = filled ? { fill: row.color } : { fill: "none", stroke: row.color };
  return drawn("path", { d: path, class: filled ? "marker" : "marker line",
    transform: `scale(${size})`, "vector-effect": "non-scaling-stroke", ...paint });
}

const four = (value) => value.toFixed(4);
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const rounded = (value) => Math.round(value).toLocaleString("en");
const three = (value) => value.toFixed(3);

function seconds(value) {
  const digits = value < 0.1 ? 4 : value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const LIST_FORMATS = { arp: rounded, coverage: percent, aplt: percent };

// Everything that a row has a number for: where it is, how it is written, which end is better.
function measures() {
  const accuracy = DATA.metrics.flatMap(({ name }) => block().bands.map((band) => ({
    key: `${name}/${band}`, label: band === "all" ? label(name) : `${label(name)} ${band}`,
    entry: (row) => row.metrics[name].bands[band], format: four, better: 1,
    note: `${label(name)} on ${bandName(band)}` })));
  const lists = DATA.lists.map(({ name, label: word, description }) => ({
    key: name, label: word, entry: (row) => row.lists[name], note: description,
    format: LIST_FORMATS[name] || three, better: name === "coverage" || name === "aplt" ? 1 : -1 }));
  const bound = block().rows.some((row) => row.false_negatives?.kind === LOWER);
  const rate = { key: "fn", label: `FN rate${bound ? " (lower bound)" : ""}`, better: -1,
    entry: (row) => row.false_negatives && { mean: row.false_negatives.rate, text: row.false_negatives.text },
    format: (value) => `${(100 * value).toFixed(2)} %`,
    note: `share of the negatives used in training that are positives of their user${bound
      ? ": a lower bound, for only held-out positives are counted" : ": exact"}` };
  const clock = block().clock || "CPU";
  const cost = { key: "cost", label: `${clock} s/epoch`, format: seconds, better: -1, log: true,
    entry: (row) => ({ mean: row.cost[clock === "wall" ? "wall_seconds" : "cpu_seconds"] }),
    note: `${clock} seconds of sampling, scoring and update in an epoch` };
  return [...accuracy, rate, ...lists, cost].filter((each) =>
    block().rows.some((row) => isNumber(valueOf(each, row))));
}

const valueOf = (measure, row) => measure.entry(row)?.mean;
const measureOf = (key) => measures().find((each) => each.key === key);

// A value with its spread over seeds; of a rate the text that says how well it is known.
function textOf(measure, row, spread = true) {
  const entry = measure.entry(row);
  if (!isNumber(entry?.mean)) return "-";
  if (entry.text) return entry.text;
  return measure.format(entry.mean) + (spread && isNumber(entry.std) ? ` ± ${measure.format(entry.std)}` : "");
}

const place = (row) => row.metrics[chosen.metric].bands[chosen.band];

function rankText(row) {
  const { rank, rank_low: low, rank_high: high } = place(row);
  if (rank === null) return "-";
  return low === high ? String(rank) : `${rank} [${low}, ${high}]`;
}

// Words that are parted by commas are alternatives.
function shownRows() {
  const words = chosen.words.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
  return block().rows.filter((row) =>
    (!chosen.family || row.family === chosen.family) &&
    (!words.length || words.some((word) => row.row.toLowerCase().includes(word))));
}
