// The points of the plot under pointer and keyboard, the row that is lit, and the row that is chosen.

function addPoints(svg, rows, x, y, across, up) {
  const points = rows.map((row, n) => {
    const [px, py] = [across.place(valueOf(x, row)), up.place(valueOf(y, row))];
    const words = `${row.row}: ${x.label} ${textOf(x, row)}, ${y.label} ${textOf(y, row)}`;
    const point = drawn("g", { class: row.warm_up_only ? "point warm" : "point", tabindex: n ? -1 : 0, role: "button",
      "aria-label": words, "data-row": row.row, transform: `translate(${px} ${py})` },
    drawn("circle", { r: 11, class: "near" }), marker(row, 10));
    point.addEventListener("pointerenter", () => { light(row.row); tip(row, x, y, px, py); });
    point.addEventListener("pointerleave", () => { light(chosen.row); tip(null); });
    point.addEventListener("focus", () => { light(row.row); tip(row, x, y, px, py); });
    point.addEventListener("blur", () => { light(chosen.row); tip(null); });
    point.addEventListener("click", () => choose(row.row));
    point.addEventListener("keydown", (event) => goOn(event, points, n, row));
    return point;
  });
  svg.append(...points);
}

// One stop of the tab key; the arrows go from left to right through the points.
function goOn(event, points, n, row) {
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  const to = event.key in steps ? n + steps[event.key] : { Home: 0, End: points.length - 1 }[event.key];
  if (event.key === "Enter" || event.key === " ") choose(row.row);
  else if (event.key === "Escape") choose("");
  else if (to === undefined) return;
  event.preventDefault();
  const next = points[to];
  if (!next) return;
  for (const point of points) point.setAttribute("tabindex", -1);
  next.setAttribute("tabindex", 0);
  next.focus();
}

function tip(row, x, y, px, py) {
  const box = document.querySelector(".tip");
  if (!box) return;
  box.hidden = row === null;
  if (!row) return;
  const lines = [[x.label, textOf(x, row)], [y.label, textOf(y, row)], ["rank", rankText(row)], ["family", row.family]];
  box.replaceChildren(element("b", {}, row.row + (row.warm_up_only ? " (warm-up only)" : "")),
    ...lines.map(([word, text]) => element("div", {}, `${word}: ${text}`)));
  const room = at("plot").clientWidth - box.offsetWidth - 4;
  box.style.left = `${Math.max(0, Math.min(px + 14, room))}px`;
  box.style.top = `${Math.max(0, py - box.offsetHeight - 10)}px`;
}

// The same row in table and plot.
function light(name) {
  for (const each of document.querySelectorAll("[data-row], [data-label]")) {
    each.classList.toggle("lit", Boolean(name) && (each.dataset.row || each.dataset.label) === name);
  }
  const point = document.querySelector(".point.lit");
  if (point && document.activeElement !== point) {
    const focused = point.parentNode.contains(document.activeElement);
    // On top of the others; one that is there already stays, or the pointer would enter it again.
    if (!focused && point !== point.parentNode.lastChild) point.parentNode.append(point);
  }
}

function choose(name) {
  chosen.row = chosen.row === name ? "" : name;
  for (const button of document.querySelectorAll("button.name")) {
    button.setAttribute("aria-pressed", String(button.closest("tr").dataset.row === chosen.row));
  }
  light(chosen.row);
  drawChosen();
}

function drawChosen() {
  const row = block().rows.find((each) => each.row === chosen.row);
  if (!row) {
    at("chosen").replaceChildren(element("p", { class: "soft" },
      "Choose a row in the table or the plot to see its settings, its test and the runs that it is from."));
    return;
  }
  const test = row.metrics[chosen.metric];
  const verdicts = { better: "above", worse: "below", same: "not told apart from" };
  const against = test.verdict && row.row !== test.against
    ? `${verdicts[test.verdict]} ${test.against} in ${label(chosen.metric)}${isNumber(test.p_corrected)
      ? `, corrected p ${pText(test.p_corrected)}` : ""}` : "";
  const tuned = row.tuning.trials ? `${row.tuning.trials} trials, protocol ${row.tuning.protocols.join(", ")}` : "not tuned";
  const facts = [["family", row.family], ["rank", `${rankText(row)} by ${label(chosen.metric)} on ${bandName(chosen.band)}`],
    ["test", against], ...measures().map((each) => [each.label, textOf(each, row)]),
    ["seeds", `${row.seeds} of ${row.expected}`], ["tuning", tuned],
    ...Object.entries(row.settings).filter(([, value]) => value).map(([word, value]) => [word.replace("_", " "), value]),
    ...row.sources.map((number) => ["run", `${DATA.sources[number].name} ${DATA.sources[number].hash.slice(0, 12)}`])];
  const link = /^https?:/.test(row.link) ? element("p", {}, element("a", { href: row.link, rel: "noreferrer" }, row.link)) : "";
  at("chosen").replaceChildren(element("h2", {}, row.row), element("p", { class: "soft" }, row.title), link || "",
    element("dl", {}, ...facts.filter(([, text]) => text && text !== "-").flatMap(([word, text]) =>
      [element("dt", {}, word), element("dd", {}, text)])));
}

// 0.0497 is below the level of the tests and 0.0503 is not, so neither is written 0.050.
function pText(p) {
  return p < 0.0001 ? "< 0.0001" : p.toPrecision(Math.abs(p - DATA.alpha) < 0.001 ? 4 : 2);
}
