"""Words for scripts that act on the page of a leaderboard in a browser."""

SEEN = """
  const all = (selector, of) => Array.from(document.querySelectorAll(selector), of);
  const rows = () => all("main tbody tr[data-row]", (row) => row.dataset.row);
  const head = (key) => document.querySelector(`th[data-key="${key}"]`);
  const press = (key) => head(key).querySelector("button").click();
  const set = (id, value) => {
    at(id).value = value;
    at(id).dispatchEvent(new Event("input"));
  };
  const lit = (where) => all(`${where}.lit`, (each) => each.dataset.row);
  const point = (row) => document.querySelector(`.point[data-row="${row}"]`);
  const tipText = () => {
    const box = document.querySelector(".tip");
    return box.hidden ? "" : box.innerText;
  };
"""


def acting(script: str) -> str:
    """A script that uses the words above."""
    return f"(async () => {{ {SEEN} {script} }})()"
