// The table: a column a measure, rows in the order that its reader asks for.

function columns() {
  const all = measures();
  const inTable = all.filter((each) => each.key.startsWith(`${chosen.metric}/`) ||
    ["fn", "arp", "coverage", "cost"].includes(each.key));
  const rank = { key: "rank", label: "Rank", better: -1, value: (row) => place(row).rank, cell: rankCell,
    note: "the mean rank of equals, and the places that the tests leave open" };
  const name = { key: "row", label: "Method", value: (row) => row.row, cell: nameCell };
  const family = { key: "family", label: "Family", value: (row) => row.family, cell: (row) => row.family };
  const numbers = inTable.map((measure) => ({ ...measure, number: true,
    value: (row) => valueOf(measure, row), cell: (row) => valueCell(measure, row),
    head: headOf(measure), picked: measure.key === `${chosen.metric}/${chosen.band}` }));
  const trials = { key: "trials", label: "Trials", better: 1, number: true, value: (row) => row.tuning.trials,
    cell: (row) => row.tuning.trials || "-", note: "settings that the row's search tried; - is not tuned" };
  const protocol = { key: "protocol", label: "Protocol", value: (row) => row.tuning.protocols.join(" "),
    cell: (row) => element("code", {}, row.tuning.protocols.join(" ") || "-"),
    note: "hash of the protocol of its search" };
  const run = { key: "run", label: "Run", value: (row) => row.sources.map((n) => DATA.sources[n].hash).join(" "),
    cell: runCell, note: "hash of the results, and the version of negbench" };
  return [rank, name, ...numbers, family, trials, protocol, run].filter((column) =>
    !["trials", "protocol"].includes(column.key) || block().rows.some((row) => row.tuning.trials));
}

// Bands stand beside their metric, so their names are enough there; what is in brackets stands below.
function headOf({ key, label: word }) {
  const [metric, band] = key.split("/");
  if (band) return [band === "all" ? label(metric) : band];
  const [name, below] = word.split(/ \((.*)\)$/);
  return below ? [name, element("br"), element("span", { class: "sd" }, below)] : [name];
}

function rankCell(row) {
  const { rank, rank_low: low, rank_high: high } = place(row);
  if (rank === null) return "-";
  const many = block().rows.filter((each) => place(each).rank !== null).length;
  const x = (value) => 3 + 64 * (many > 1 ? (value - 1) / (many - 1) : 0.5);
  const bar = drawn("svg", { width: 70, height: 10, class: "bar", "aria-hidden": "true" },
    drawn("line", { x1: x(1), x2: x(many), y1: 5, y2: 5, class: "rail" }),
    drawn("line", { x1: x(low), x2: x(high), y1: 5, y2: 5, class: "span", stroke: row.color }),
    drawn("circle", { cx: x(rank), cy: 5, r: 2.6, class: "dot", fill: row.color }));
  return element("span", { class: "rank" }, element("b", {}, String(rank)), bar,
    element("span", { class: "sd" }, low === high ? "" : `${low} to ${high}`));
}

function nameCell(row) {
  const key = drawn("svg", { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" },
    marker(row, 10));
  // A long name goes on in the next line after one of its marks, not within a word.
  const parts = row.row.split(/(?<=[(,_=/+@])/).flatMap((part) => [part, element("wbr")]);
  const name = element("button", { type: "button", class: "name", "aria-pressed": String(row.row === chosen.row) },
    ...parts.slice(0, -1));
  return element("span", { class: "row" }, key, name, element("span", { class: "mark" }, row.mark));
}

function valueCell(measure, row) {
  const entry = measure.entry(row);
  const [metric, band] = measure.key.split("/");
  if (!isNumber(entry?.mean)) {
    return row.seeds < row.expected && band ? `- (${row.seeds}/${row.expected})` : "-";
  }
  const text = entry.text || measure.format(entry.mean);
  const value = entry.best ? element("b", {}, text) : text;
  const spread = isNumber(entry.std) ? element("span", { class: "sd" }, ` ± ${measure.format(entry.std)}`) : "";
  const mark = band === "all" ? element("span", { class: "mark" }, row.metrics[metric].mark) : "";
  return element("span", {}, value, spread, mark);
}

function runCell(row) {
  const sources = row.sources.map((number) => DATA.sources[number]);
  const versions = Array.from(new Set(sources.flatMap((source) => source.versions)));
  return element("span", {}, element("code", {}, sources.map((source) => source.hash.slice(0, 8)).join(" ")),
    element("span", { class: "sd" }, ` ${versions.join(", ")}`));
}

// Rows without a value stay last either way; equal ones stand by their rank.
function sorted(rows) {
  const column = columns().find((each) => each.key === chosen.sort) || columns()[0];
  const missing = (value) => value === null || value === undefined || value === "";
  const order = (one, other) => (typeof one === "number" ? one - other : one.localeCompare(other, "en"));
  return rows.map((row) => [column.value(row), row]).sort(([one, a], [other, b]) => {
    if (missing(one) || missing(other)) return missing(one) - missing(other);
    return (chosen.up ? 1 : -1) * order(one, other) || (place(a).rank ?? 1e9) - (place(b).rank ?? 1e9);
  }).map(([, row]) => row);
}

function drawTable() {
  const table = document.querySelector("main table");
  const shown = columns();
  const heads = shown.map((column) => {
    const button = element("button", { type: "button" }, ...(column.head || [column.label]));
    button.addEventListener("click", () => {
      // The better end first; words by the alphabet.
      const first = column.better ? column.better < 0 : true;
      chosen.up = chosen.sort === column.key ? !chosen.up : first;
      chosen.sort = column.key;
      drawTable();
      const again = Array.from(table.tHead.querySelectorAll("button"));
      again[shown.indexOf(column)].focus({ preventScroll: true });
    });
    const sort = chosen.sort === column.key ? (chosen.up ? "ascending" : "descending") : "none";
    return element("th", { scope: "col", "aria-sort": sort, title: column.note, "data-key": column.key,
      class: classOf(column) }, button);
  });
  table.tHead.replaceChildren(element("tr", {}, ...heads));
  const rows = sorted(shownRows()).map((row) => {
    const line = element("tr", { "data-row": row.row, class: row.kind === "reference" ? "reference" : undefined },
      ...shown.map((column) => element(column.key === "row" ? "th" : "td",
        { scope: column.key === "row" ? "row" : undefined, class: classOf(column) }, column.cell(row))));
    line.addEventListener("pointerenter", () => light(row.row));
    line.addEventListener("pointerleave", () => light(chosen.row));
    line.addEventListener("click", () => choose(row.row));
    return line;
  });
  table.tBodies[0].replaceChildren(...rows);
  const total = block().rows.length;
  at("count").textContent = rows.length === total ? `${total} rows` : `${rows.length} of ${total} rows shown`;
  light(chosen.row);
  hintOf(document.querySelector("main .wide"));
}

function classOf(column) {
  const names = [column.number ? "number" : "", column.picked ? "picked" : "", `of-${column.key.split("/")[0]}`];
  return names.filter(Boolean).join(" ");
}

// A table that goes on to the right says so, for many systems hide the scroll bar.
function hintOf(box) {
  const edge = box.getBoundingClientRect().right;
  const heads = Array.from(box.querySelectorAll("thead th"));
  const hidden = heads.filter((head) => head.getBoundingClientRect().right > edge + 2).length;
  box.nextElementSibling.textContent = hidden ? `${hidden} more column${hidden > 1 ? "s" : ""}: scroll \u2192` : "";
}
