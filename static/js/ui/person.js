// Owns: that what this browser keeps of a person goes with them. Every page says whose it is; once that
// changes, by whatever way they left, what surveys, chat and wallet stored here is forgotten.
// Kept on purpose: the theme, that a device has answered, and edits a guide could not save yet, which
// lie under their person's id and are shown to nobody else (workflows/outbox.js).

const PERSON = "parley.person";
const OF_SURVEYS = /^parley:survey_/;
const OF_A_TAB = ["parley.chat", "parley.chat.draft", "parley.wallet.receipt"];
const DEVICE = "parley:device";

/** Forget who was here, if it was another; and let pages that show them begin anew. */
export function watchPerson() {
  const now = document.documentElement.dataset.person;
  if (now === undefined) return; // an error's page does not know who is here
  try {
    const before = localStorage.getItem(PERSON) ?? "";
    if (before && before !== now) forgetPerson();
    localStorage.setItem(PERSON, now);
  } catch {
    return; // storage is blocked: nothing was kept either
  }
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === PERSON && oldValue && oldValue !== newValue) leave(now);
  });
  // A page the back button brings back from memory never asked who is here.
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && localStorage.getItem(PERSON) !== now) leave(now);
  });
}

function leave(shown) {
  if (localStorage.getItem(PERSON) === shown) return;
  forgetOfTab();
  if ("reloadForAnother" in document.body.dataset) location.reload();
}

function forgetPerson() {
  for (const name of Object.keys(localStorage)) if (OF_SURVEYS.test(name)) localStorage.removeItem(name);
  const device = JSON.parse(localStorage.getItem(DEVICE) ?? "{}");
  delete device.receipt_token; // what it opens may be in the wallet of who left
  localStorage.setItem(DEVICE, JSON.stringify(device));
  forgetOfTab();
}

function forgetOfTab() {
  for (const name of Object.keys(sessionStorage)) {
    if (OF_SURVEYS.test(name) || OF_A_TAB.includes(name)) sessionStorage.removeItem(name);
  }
}
