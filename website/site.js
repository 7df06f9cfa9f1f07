// Headings of a sortable table become buttons; numbers sort as numbers.
(() => {
  const value = (row, column) => row.cells[column].textContent.trim().replace("−", "-");
  const compare = (a, b) => {
    const [x, y] = [parseFloat(a), parseFloat(b)];
    return isNaN(x) || isNaN(y) ? a.localeCompare(b) : x - y;
  };

  function sort(table, column, heading) {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compare(value(a, column), value(b, column)) * (up ? 1 : -1));
    table.tBodies[0].append(...rows);
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  }

  document.querySelectorAll("table[data-sortable]").forEach((table) => {
    table.querySelectorAll("thead th").forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, column, heading));
    });
  });

  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

  // What scrolls sideways can be scrolled by the keyboard.
  const reachable = () =>
    document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code").forEach((box) => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    });
  addEventListener("load", reachable);
  addEventListener("resize", reachable);
})();
