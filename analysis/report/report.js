"use strict";
// Without this script the page is whole; it adds sorting, copying and open figures in print.

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

// A long name goes on in the next line after one of its marks, not within a word.
for (const cell of document.querySelectorAll("td:first-child")) {
  const parts = cell.textContent.split(/(?<=[(,_=/])/);
  if (parts.length < 2) continue;
  cell.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]).slice(0, -1));
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

for (const source of document.querySelectorAll("pre.bibtex, pre.csv")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = source.className === "csv" ? "Copy csv" : "Copy BibTeX";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    const done = await copy(source.textContent, source);
    button.textContent = done ? "Copied" : "Marked: press Ctrl+C";
  });
  source.after(button);
}

let closed = [];
addEventListener("beforeprint", () => {
  closed = Array.from(document.querySelectorAll("details:not([open])"));
  for (const each of closed) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closed) each.open = false;
});
