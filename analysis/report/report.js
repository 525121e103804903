"use strict";
// Without this script the page is whole; it adds sorting, copying, hints of wide tables, links that
// open what they lead to, and print with all of it open.

function compare(one, other, numeric) {
  return numeric ? Number(one) - Number(other) : one.localeCompare(other, "en");
}

// Rows without a value stay last either way; equal rows keep their order.
function sortBody(body, at, numeric, sign) {
  const rows = Array.from(body.rows, (row) => [row.cells[at].dataset.value || "", row]);
  rows.sort(([one], [other]) => {
    if (one === "" || other === "") return (one === "") - (other === "");
    return sign * compare(one, other, numeric);
  });
  body.append(...rows.map(([, row]) => row));
}

function sortTable(table, head) {
  const heads = Array.from(table.tHead.rows[0].cells);
  const numeric = head.hasAttribute("data-numeric");
  const before = head.getAttribute("aria-sort");
  const down = before === "none" ? numeric : before === "ascending";
  for (const other of heads) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  // Each body by itself: the references stay a group of their own.
  for (const body of table.tBodies) sortBody(body, heads.indexOf(head), numeric, down ? -1 : 1);
}

for (const table of document.querySelectorAll("table")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortTable(table, head));
  }
}

// A long name goes on in the next line after one of its marks, not within a word; what stands behind
// it in the cell, as the mark of a budget, stays.
for (const cell of document.querySelectorAll("td:first-child")) {
  const name = cell.firstChild;
  const parts = name instanceof Text ? name.data.split(/(?<=[(,_=/])/) : [];
  if (parts.length < 2) continue;
  name.replaceWith(...parts.flatMap((part) => [part, document.createElement("wbr")]).slice(0, -1));
}

async function copy(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard for this page: mark the text, so that the reader's own keys copy it.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}

for (const source of document.querySelectorAll("pre.bibtex")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy BibTeX";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const done = await copy(source.textContent, source);
    button.textContent = done ? "Copied" : "Marked: press Ctrl+C";
  });
  source.after(button);
}

// A table that goes on to the right says so, for many systems hide the scroll bar.
const hints = new ResizeObserver((entries) => entries.forEach(({ target }) => hint(target)));

function hint(box) {
  const columns = Array.from(box.querySelectorAll("thead th"));
  const edge = box.getBoundingClientRect().right;
  const hidden = columns.filter((head) => head.getBoundingClientRect().right > edge + 2).length;
  const table = box.parentElement;
  table.classList.toggle("more", hidden > 0);
  table.querySelector(".hint").textContent =
    hidden ? `${hidden} more column${hidden > 1 ? "s" : ""}: scroll \u2192` : "";
}

for (const box of document.querySelectorAll(".table > .wide")) {
  const text = document.createElement("span");
  text.className = "hint";
  text.setAttribute("aria-hidden", "true"); // a screen reader has every column
  box.nextElementSibling.prepend(text);
  box.addEventListener("scroll", () => hint(box), { passive: true });
  hints.observe(box);
}

// A link into a closed part opens it.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let each = target; each; each = each.parentElement) {
    if (each.tagName === "DETAILS") each.open = true;
  }
  target.scrollIntoView();
}

for (const link of document.querySelectorAll('nav a[href^="#"]')) {
  // Also when the address has that hash already.
  link.addEventListener("click", () => setTimeout(reveal));
}
addEventListener("hashchange", reveal);
reveal();

let closed = [];
addEventListener("beforeprint", () => {
  closed = Array.from(document.querySelectorAll("details:not([open], .pick)"));
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
