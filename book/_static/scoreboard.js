// Filters and sorts the table of the scoreboard. Without this script the table is the same, but as the build wrote it.
document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".scoreboard");
  const body = box.querySelector("tbody");
  const headers = [...box.querySelectorAll("thead th")];
  const rows = [...body.rows];
  const column = (name) => headers.findIndex((header) => header.textContent === name);
  const text = (row, i) => row.cells[i].textContent.trim();

  const controls = document.createElement("div");
  controls.className = "scoreboard-controls";
  box.before(controls);

  const labelled = (name, control) => {
    const label = document.createElement("label");
    label.append(name, " ", control);
    controls.append(label);
    return control;
  };

  const choices = ["Paper", "Verdict"].map((name) => {
    const i = column(name);
    const select = labelled(name, document.createElement("select"));
    select.append(new Option("all", ""), ...[...new Set(rows.map((row) => text(row, i)))].map((value) => new Option(value, value)));
    return { i, select };
  });
  const words = labelled("Text", Object.assign(document.createElement("input"), { type: "search" }));
  const count = controls.appendChild(document.createElement("output"));

  const filter = () => {
    for (const row of rows) {
      row.hidden =
        choices.some(({ i, select }) => select.value && text(row, i) !== select.value) ||
        !row.textContent.toLowerCase().includes(words.value.trim().toLowerCase());
    }
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  controls.addEventListener("input", filter);
  filter();

  // "C2" comes before "C10", and by their first number "−3.8 points" before "+1.8 points". A click sorts upwards, the next downwards;
  // rows that are equal keep their order.
  const collator = new Intl.Collator("en", { numeric: true });
  const number = (value) => Number(value.match(/([+-]?\d+(?:\.\d+)?) ?(?:%|points)/)?.[1] ?? Infinity);
  const byNumber = (a, b) => (number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0);
  headers.forEach((header, i) => {
    const compare = ["Paper's number", "Ours"].includes(header.textContent) ? byNumber : collator.compare;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: header.textContent });
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...[...rows].sort((a, b) => (down ? -1 : 1) * compare(text(a, i), text(b, i))));
    });
  });
});
