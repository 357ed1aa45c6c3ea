// Owns: buttons and menus that need no server: copy, native dialogs, menus, the theme.
import { showToast } from "./toast.js";

const NEXT_THEME = { system: "light", light: "dark", dark: "system" };

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(button.dataset.copyText ?? source?.textContent ?? "");
    showToast("Copied");
  } catch {
    // No clipboard without https, or refused: select it, so that one key press copies.
    if (source) getSelection().selectAllChildren(source);
    showToast("Copying is blocked here. Press Ctrl+C to copy the selection.", { tone: "bad" });
  }
}

function labelTheme(button) {
  const theme = document.documentElement.dataset.theme ?? "system";
  const { dataset } = button;
  const text = dataset.text.replace("{now}", dataset[theme]).replace("{next}", dataset[NEXT_THEME[theme]]);
  button.querySelector("[data-theme-label]").textContent = text;
  button.title = text;
}

function switchTheme(button) {
  const root = document.documentElement;
  const theme = NEXT_THEME[root.dataset.theme ?? "system"];
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem("parley.theme", theme); // theme.js reads it on the next page
  } catch {
    // Storage may be blocked; the choice then lasts for this page.
  }
  labelTheme(button);
}

const openMenus = () => document.querySelectorAll("details[data-menu][open]");

/** Run [data-copy], [data-copy-text], [data-dialog-open], [data-dialog-close], [data-toggle], [data-theme-toggle], [data-menu]. */
export function watchControls() {
  document.querySelectorAll("[data-theme-toggle]").forEach(labelTheme);

  document.addEventListener("click", (event) => {
    const { target } = event;
    for (const menu of openMenus()) if (!menu.contains(target)) menu.open = false;
    const button = target.closest?.("button");
    if (!button) return;
    const { dataset } = button;
    if ("copy" in dataset || "copyText" in dataset) copy(button);
    else if ("dialogOpen" in dataset) document.getElementById(dataset.dialogOpen)?.showModal();
    else if ("dialogClose" in dataset) button.closest("dialog")?.close();
    else if ("themeToggle" in dataset) switchTheme(button);
    else if ("toggle" in dataset) {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  document.addEventListener("focusout", (event) => {
    const menu = event.target.closest?.("details[data-menu][open]");
    if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}
