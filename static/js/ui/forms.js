/** Busy buttons, one submit at a time, filters that send themselves, focus on what is wrong. */
export function watchForms() {
  document.querySelector("[data-focus]")?.focus();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-busy]")) return;
    if (form.dataset.isBusy) {
      event.preventDefault();
      return;
    }
    form.dataset.isBusy = "yes";
    const button = event.submitter;
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    const label = button.querySelector("span");
    if (button.dataset.busyLabel && label) {
      button.dataset.idleLabel = label.textContent;
      label.textContent = button.dataset.busyLabel;
    }
  });

  // The browser may restore a page as it was left, busy button included.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll("form[data-is-busy]")) delete form.dataset.isBusy;
    for (const button of document.querySelectorAll("[aria-busy=true]")) {
      button.removeAttribute("aria-busy");
      if (button.dataset.idleLabel) button.querySelector("span").textContent = button.dataset.idleLabel;
    }
  });

  document.addEventListener("change", (event) => {
    event.target.closest?.("form[data-autosubmit]")?.requestSubmit();
  });
}
