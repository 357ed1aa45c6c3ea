import { showToast } from "./toast.js";

/** Make every [data-copy] and [data-copy-text] copy what it names. */
export function watchCopyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-text]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const text = button.dataset.copyText ?? source?.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      showToast("Copied");
    } catch {
      // No clipboard without https, or refused: select it, so that one key press copies.
      if (source) getSelection().selectAllChildren(source);
      showToast("Copying is blocked here. Press Ctrl+C to copy the selection.", { tone: "bad" });
    }
  });
}
