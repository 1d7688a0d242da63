"use strict";
// Every table of class `sorted` sorts by the column whose heading is clicked; empty cells and dashes stay last.
for (const table of document.querySelectorAll("table.sorted")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    // A button without a name says nothing to who cannot see it.
    if (heading.textContent.trim() === "") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].textContent.trim();
      const missing = (text) => text === "" || text === "—";
      const value = (text) => (/^<?[-+−]?\d/.test(text) ? Number.parseFloat(text.replace("<", "").replace("−", "-").replace(/(\d) (?=\d)/g, "$1")) : Number.NaN);
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
      };
      const rows = [...body.rows].sort((one, two) => {
        const [a, b] = [key(one), key(two)];
        if (missing(a) || missing(b)) return missing(a) - missing(b);
        return down ? compare(b, a) : compare(a, b);
      });
      body.append(...rows);
    });
  });
}
