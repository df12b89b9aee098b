// A table wider than the page scrolls sideways inside the box that the theme puts around it. Whoever uses a
// keyboard must be able to reach that box (WCAG 2.1.1); one that does not scroll stays out of the tab order.
(() => {
  const label = document.documentElement.lang === "en" ? "Table, scrolls sideways" : "Tabell, rullas i sidled";
  const mark = (table) => {
    const box = table.closest(".md-typeset__scrollwrap");
    if (!box) return requestAnimationFrame(() => table.isConnected && mark(table));
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", label);
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  };
  const seen = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
  const tables = [...document.querySelectorAll("article table:not([class])")];
  tables.forEach((table) => seen.observe(table));
  addEventListener("resize", () => tables.forEach(mark));
})();
