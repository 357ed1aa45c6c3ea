/**
 * Ask in the shared dialog.
 * @returns {Promise<boolean>} true only when the person chose the action
 */
export function confirmChoice({ title = "Are you sure?", text = "", action = "Continue", cancel = "Cancel", language = "en" }) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector("#confirm-title").textContent = title;
  dialog.querySelector("#confirm-text").textContent = text;
  dialog.querySelector("[data-confirm-yes]").textContent = action;
  dialog.querySelector("[data-confirm-no]").textContent = cancel;
  dialog.lang = language;
  dialog.returnValue = "no"; // Esc keeps the last value, which could be an earlier yes
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Ask before any form[data-confirm] is sent. Without scripts the form is simply sent. */
export function watchConfirmations() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-confirm]") || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    const agreed = await confirmChoice({
      title: form.dataset.confirmTitle,
      text: form.dataset.confirm,
      action: form.dataset.confirmAction,
      cancel: form.dataset.confirmCancel,
      language: form.closest("[lang]")?.lang,
    });
    if (!agreed) return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
    delete form.dataset.confirmed;
  });
}
