const SHOWN_MS = 6000;

/** Say something for a few seconds. Only for what the page shows in another way too. */
export function showToast(text, { tone = "" } = {}) {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  const toast = document.createElement("p");
  toast.className = tone ? `toast toast--${tone}` : "toast";
  toast.textContent = text;
  region.append(toast);
  setTimeout(() => toast.remove(), SHOWN_MS);
}
