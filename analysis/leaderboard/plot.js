// The plot: two measures against each other, and the rows that no other one beats on both.

const EDGE = { left: 62, right: 16, top: 12, bottom: 46 };

function ticks(low, high, log) {
  if (log) {
    const marks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const digit of [1, 2, 5]) marks.push(digit * 10 ** power);
    }
    return marks.filter((mark) => mark >= low && mark <= high);
  }
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5, 10].find((each) => each * unit >= rough));
  const marks = [];
  for (let mark = Math.ceil(low / step - 1e-9) * step; mark <= high + step * 1e-9; mark += step) {
    marks.push(Math.abs(mark) < step * 1e-9 ? 0 : mark);
  }
  return marks;
}

// In as many digits as tell the ticks apart: of values that lie close three would write all alike.
function tickText(value, measure, marks) {
  const share = measure.format === percent || measure.key === "fn" ? 100 : 1;
  let digits = 3;
  while (digits < 12 && new Set(marks.map((mark) => mark.toPrecision(digits))).size < marks.length) digits += 1;
  const number = Number((share * value).toPrecision(digits));
  return share > 1 ? `${number} %` : number.toLocaleString("en", { maximumFractionDigits: 12 });
}

function scale(measure, rows, from, to) {
  const values = rows.map((row) => valueOf(measure, row));
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const log = Boolean(measure.log) && low > 0 && high / low > 20;
  const [into, out] = log ? [Math.log, Math.exp] : [(value) => value, (value) => value];
  const room = 0.06 * (into(high) - into(low)) || Math.abs(into(high)) * 0.1 || 0.1;
  [low, high] = [out(into(low) - room), out(into(high) + room)];
  const place = (value) => from + ((into(value) - into(low)) / (into(high) - into(low))) * (to - from);
  return { place, marks: ticks(low, high, log) };
}

// Rows that none of the others beats: as good on both measures and better on one.
function frontOf(rows, x, y) {
  const good = (row) => [x.better * valueOf(x, row), y.better * valueOf(y, row)];
  const beats = (one, other) => one[0] >= other[0] && one[1] >= other[1] && (one[0] > other[0] || one[1] > other[1]);
  const front = rows.filter((row) => !rows.some((other) => beats(good(other), good(row))));
  return front.sort((one, other) => valueOf(x, one) - valueOf(x, other));
}

function drawAxes(width, height, x, y, across, up) {
  const parts = [];
  const bottom = height - EDGE.bottom;
  const apart = (EDGE.left + 40) / width; // so that the texts of ticks do not meet
  const every = Math.max(1, Math.ceil((across.marks.length * apart * 62) / 100));
  across.marks.forEach((mark, n) => {
    parts.push(drawn("line", { class: "grid", x1: across.place(mark), x2: across.place(mark), y1: EDGE.top, y2: bottom }));
    if (n % every) return;
    parts.push(drawn("text", { class: "tick", x: across.place(mark), y: bottom + 16, "text-anchor": "middle" }, tickText(mark, x, across.marks)));
  });
  for (const mark of up.marks) {
    parts.push(drawn("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: up.place(mark), y2: up.place(mark) }));
    parts.push(drawn("text", { class: "tick", x: EDGE.left - 6, y: up.place(mark) + 4, "text-anchor": "end" }, tickText(mark, y, up.marks)));
  }
  const ends = (measure, better, worse) => `${measure.label} (${measure.better > 0 ? better : worse} is better)`;
  const middle = (EDGE.top + bottom) / 2;
  parts.push(drawn("text", { class: "axis", x: (EDGE.left + width - EDGE.right) / 2, y: height - 8, "text-anchor": "middle" },
    ends(x, "right", "left")));
  parts.push(drawn("text", { class: "axis", x: 14, y: middle, "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` },
    ends(y, "up", "down")));
  return parts;
}

// A step line through the front: what lies behind it is beaten on both measures.
function drawFront(front, x, y, across, up) {
  if (front.length < 2) return [];
  const points = front.map((row) => [across.place(valueOf(x, row)), up.place(valueOf(y, row))]);
  const steps = points.map(([px, py], n) => {
    if (!n) return `M${px},${py}`;
    return x.better > 0 ? `V${py}H${px}` : `H${px}V${py}`;
  });
  return [drawn("path", { class: "front", d: steps.join("") })];
}

function overlap(one, other) {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}

// Names beside points, each where it covers no other name and no point; one without room has none.
function namesOf(rows, x, y, across, up, width, points) {
  const taken = points.map(([px, py]) => ({ x: px - 5, y: py - 5, w: 10, h: 10 }));
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return rows.flatMap((row) => {
    const [px, py] = [across.place(valueOf(x, row)), up.place(valueOf(y, row))];
    const text = row.row.length > 24 ? `${row.row.slice(0, 23)}\u2026` : row.row;
    const size = { w: pen.measureText(text).width + 4, h: 16 };
    const spots = [[px + 8, py - 8], [px - 8 - size.w, py - 8], [px - size.w / 2, py - 23], [px - size.w / 2, py + 8]];
    const fits = spots.map(([left, top]) => ({ x: left, y: top, ...size })).find((box) =>
      box.x >= EDGE.left && box.x + box.w <= width && box.y >= 0 && !taken.some((each) => overlap(box, each)));
    if (!fits) return [];
    taken.push(fits);
    return [drawn("text", { class: "label", x: fits.x + 2, y: fits.y + 12, "data-label": row.row }, text)];
  });
}

function drawPlot() {
  const [x, y] = [measureOf(chosen.x), measureOf(chosen.y)];
  const box = at("plot");
  const known = shownRows().filter((row) => isNumber(valueOf(x, row)) && isNumber(valueOf(y, row)));
  if (!known.length) {
    box.replaceChildren(element("p", { class: "soft" }, "No row that is shown has both values."));
    at("front").textContent = "";
    return;
  }
  const width = Math.max(box.clientWidth, 240);
  const height = Math.round(Math.min(430, Math.max(300, width * 0.62)));
  const across = scale(x, known, EDGE.left, width - EDGE.right);
  const up = scale(y, known, height - EDGE.bottom, EDGE.top);
  const whole = known.filter((row) => !row.warm_up_only);
  const front = frontOf(whole, x, y);
  const spots = known.map((row) => [across.place(valueOf(x, row)), up.place(valueOf(y, row))]);
  const svg = drawn("svg", { width, height, role: "group", "aria-label": `${y.label} against ${x.label}; arrow keys go from row to row` },
    ...drawAxes(width, height, x, y, across, up), ...drawFront(front, x, y, across, up),
    ...namesOf(front, x, y, across, up, width, spots));
  box.replaceChildren(svg, element("div", { class: "tip", hidden: "" }));
  addPoints(svg, known.sort((one, other) => valueOf(x, one) - valueOf(x, other)), x, y, across, up);
  at("front").textContent = caption(front, known.length, x, y);
}

function caption(front, many, x, y) {
  const warm = shownRows().some((row) => row.warm_up_only) ? "; rows that never left their warm-up are pale and count for none" : "";
  const names = front.map((row) => row.row);
  const listed = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)} are` : `${names[0]} is`;
  const first = names.length ? `Of the ${many} rows drawn ${listed} beaten by no other in both ${y.label} and ${x.label} (means, untested${warm}).` : "";
  return `${first} ${y.label}: ${y.note}. ${x.label}: ${x.note}.`.trim();
}
