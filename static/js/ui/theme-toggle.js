const NEXT = { system: "light", light: "dark", dark: "system" };

function currentTheme() {
  return document.documentElement.dataset.theme ?? "system";
}

function label(button) {
  const theme = currentTheme();
  const text = `Colour theme: ${theme}. Switch to ${NEXT[theme]}`;
  button.querySelector("[data-theme-label]").textContent = text;
  button.title = text;
}

/** Let [data-theme-toggle] go round system, light, dark; theme.js applies the choice on the next page. */
export function watchThemeToggle() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    label(button);
    button.addEventListener("click", () => {
      const theme = NEXT[currentTheme()];
      if (theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      try {
        localStorage.setItem("parley.theme", theme);
      } catch {
        // Storage may be blocked; the choice then lasts for this page.
      }
      label(button);
    });
  }
}
