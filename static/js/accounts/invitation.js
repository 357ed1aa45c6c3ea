// Moves the invitation's token from behind '#' into the form. While the person signs in or up, the
// token waits in this tab's storage, also when the login has run out by the time the form is sent.
// Once accepted it opens nothing any more.
const KEY = "parley:invitation";

const fromLink = window.location.hash.slice(1);
if (fromLink.startsWith("inv_")) {
  window.sessionStorage.setItem(KEY, fromLink);
  window.history.replaceState(null, "", window.location.pathname);
}

const input = document.querySelector("[data-invitation-token]");
if (input) {
  input.value = window.sessionStorage.getItem(KEY) ?? "";
}
