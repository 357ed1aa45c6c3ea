// Sets the theme the reader chose before the first paint. A classic script in <head> on purpose:
// modules run after parsing, which would flash the other theme.
(() => {
  const root = document.documentElement;
  root.dataset.js = "on";
  try {
    const chosen = localStorage.getItem("parley.theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Storage may be blocked; the system's preference is then all there is to follow.
  }
})();
