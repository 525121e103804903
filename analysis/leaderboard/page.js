// What stands around table and plot: the choices, the sentences, the notes, and the address of a view.

const FIELDS = ["block", "metric", "band", "words", "family", "x", "y"];

function options(id, pairs, value) {
  at(id).replaceChildren(...pairs.map(([key, text]) => element("option", { value: key }, text)));
  at(id).value = value;
}

function fill() {
  options("block", DATA.blocks.map((each, n) => [n, `${each.dataset} · ${each.backbone}`]), String(chosen.block));
  options("metric", DATA.metrics.map((each) => [each.name, each.label]), chosen.metric);
  if (!block().bands.includes(chosen.band)) chosen.band = "all";
  options("band", block().bands.map((band) => [band, bandName(band)]), chosen.band);
  const families = Array.from(new Set(block().rows.map((row) => row.family))).sort();
  if (!families.includes(chosen.family)) chosen.family = "";
  options("family", [["", "every family"], ...families.map((each) => [each, each])], chosen.family);
  const axes = measures().map((each) => [each.key, each.label]);
  const has = (key) => axes.some(([each]) => each === key);
  const last = block().bands.at(-1);
  if (!has(chosen.x)) chosen.x = `${chosen.metric}/all`;
  if (!has(chosen.y)) chosen.y = `${chosen.metric}/${last}`;
  options("x", axes, chosen.x);
  options("y", axes, chosen.y);
  at("words").value = chosen.words;
}

function listed(id, texts) {
  at(id).replaceChildren(...texts.map((text) => element("li", {}, text)));
}

function draw() {
  fill();
  const [first, ...rest] = block().sentences[chosen.metric];
  at("first").textContent = first;
  at("verdict").replaceChildren(...rest.map((text) => element("p", {}, text)));
  at("verdict").parentElement.hidden = !rest.length;
  at("ranks").textContent = block().ranks[chosen.metric];
  listed("tests", [...block().tests[chosen.metric], ...block().remarks]);
  listed("protocol", block().protocol);
  drawTable();
  drawPlot();
  drawChosen();
  address();
}

// The address of the view, so that it can be sent; a block goes by its name.
function address() {
  const named = { ...chosen, block: `${block().dataset} ${block().backbone}` };
  const parts = FIELDS.filter((name) => named[name]).map((name) => `${name}=${encodeURIComponent(named[name])}`);
  try {
    history.replaceState(null, "", `#${parts.join("&")}`);
  } catch {
    // A page within a page has no address of its own.
  }
}

function fromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const number = DATA.blocks.findIndex((each) => `${each.dataset} ${each.backbone}` === asked.get("block"));
  if (number >= 0) chosen.block = number;
  if (DATA.metrics.some((each) => each.name === asked.get("metric"))) chosen.metric = asked.get("metric");
  for (const name of ["band", "words", "family", "x", "y"]) chosen[name] = asked.get(name) || chosen[name];
}

for (const id of FIELDS) {
  at(id).addEventListener("input", () => {
    const before = chosen.metric;
    chosen[id] = id === "block" ? Number(at(id).value) : at(id).value;
    if (id === "metric") { // axes of the metric follow it
      for (const axis of ["x", "y"]) chosen[axis] = chosen[axis].replace(`${before}/`, `${chosen.metric}/`);
    }
    draw();
  });
}

addEventListener("hashchange", () => { fromAddress(); draw(); });
document.querySelector("main").hidden = false;
fromAddress();
draw();
let drawnWidth = at("plot").clientWidth;
new ResizeObserver(() => {
  if (Math.abs(at("plot").clientWidth - drawnWidth) < 2) return;
  drawnWidth = at("plot").clientWidth;
  drawPlot();
  hintOf(document.querySelector("main .wide"));
}).observe(at("plot"));
document.querySelector("main .wide").addEventListener("scroll", (event) => hintOf(event.target), { passive: true });
