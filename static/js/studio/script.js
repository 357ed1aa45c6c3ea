// Owns: the script editor's one courtesy: nobody leaves with unsaved words by accident.

const form = document.querySelector("[data-script-form]");
let isChanged = Boolean(document.querySelector(".notice--bad"));
let isSending = false;

form.addEventListener("input", () => { isChanged = true; });
form.addEventListener("submit", () => { isSending = true; });
window.addEventListener("beforeunload", (event) => {
  if (isChanged && !isSending) event.preventDefault();
});
