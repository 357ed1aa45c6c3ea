// Moves the invitation's token from behind '#' into the form. While the person signs in or up, the
// token waits in this tab's storage: the server sees it only when the invitation is accepted.
const KEY = "parley:invitation";

const fromLink = window.location.hash.slice(1);
if (fromLink.startsWith("inv_")) {
  window.sessionStorage.setItem(KEY, fromLink);
  window.history.replaceState(null, "", window.location.pathname);
}

const input = document.querySelector("[data-invitation-token]");
if (input) {
  input.value = window.sessionStorage.getItem(KEY) ?? "";
  input.form.addEventListener("submit", () => window.sessionStorage.removeItem(KEY));
}
