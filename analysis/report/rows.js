// Rows are filtered and hidden in all tables at once, by the name in their first cell.
{
  const bar = document.querySelector(".filters");
  const search = bar.querySelector("input[type=search]");
  const which = bar.querySelector("select");
  const boxes = Array.from(bar.querySelectorAll("input[type=checkbox]"));
  const families = new Map(boxes.map((box) => [box.value, box.dataset.family]));
  const places = Array.from(document.querySelectorAll("details.part"));
  const name = (row) => row.cells[0].dataset.value;
  const rowsOf = (place) =>
    Array.from(place.querySelectorAll("tbody tr")).filter((row) => families.has(name(row)));

  // The rows that have a mark in the main table of a place, which is the first one there.
  function marked(place, mark) {
    const first = place.querySelector("table");
    const has = (row) =>
      Array.from(row.querySelectorAll("td:not(:first-child) .mark")).some((each) =>
        each.textContent.includes(mark));
    return new Set(Array.from(first ? first.tBodies : [], (body) => Array.from(body.rows))
      .flat().filter(has).map(name));
  }

  // Words that are parted by commas are alternatives.
  function wanted(text) {
    const words = text.toLowerCase().split(",").map((word) => word.trim()).filter(Boolean);
    return (row) => !words.length || words.some((word) => row.toLowerCase().includes(word));
  }

  function apply() {
    const matches = wanted(search.value);
    const checked = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const [kind, value] = which.value.split(/:(.*)/s);
    const blocks = places.filter((place) => /^b\d+$/.test(place.id));
    const marks = new Map(blocks.map((block) => [block, kind === "mark" ? marked(block, value) : null]));
    const anywhere = new Set(Array.from(marks.values(), (rows) => [...(rows || [])]).flat());
    const shown = new Set();
    for (const place of places) {
      for (const row of rowsOf(place)) {
        const label = name(row);
        const passes =
          kind === "mark" ? (marks.get(place) || anywhere).has(label)
          : kind === "family" ? families.get(label) === value
          : true;
        row.hidden = !(passes && checked.has(label) && matches(label));
        if (!row.hidden) shown.add(label);
      }
    }
    const hidden = boxes.length - shown.size;
    bar.querySelector("output").textContent = hidden || kind === "mark"
      ? `${shown.size} of ${boxes.length} rows shown; marks, bold, figures and sentences are of all rows.`
      : "";
  }

  for (const each of [search, which]) each.addEventListener("input", apply);
  for (const box of boxes) box.addEventListener("change", apply);
  for (const button of bar.querySelectorAll("[data-check]")) {
    button.addEventListener("click", () => {
      for (const box of boxes) box.checked = button.dataset.check === "all";
      apply();
    });
  }

  const all = bar.querySelector(".all");
  all.addEventListener("click", () => {
    const open = all.getAttribute("aria-pressed") === "false";
    for (const each of document.querySelectorAll("details:not(.pick, .aside)")) each.open = open;
    all.setAttribute("aria-pressed", String(open));
    all.textContent = open ? "Close all" : "Open all";
  });
  bar.hidden = false;
  apply(); // a browser that goes back keeps what was typed
}
