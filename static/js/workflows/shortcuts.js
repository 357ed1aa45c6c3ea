// Owns: single-key shortcuts, never inside a field, a dialog or with a modifier, and their switch
// (WCAG 2.1.4: shortcuts of one character can be turned off).

const SWITCH_KEY = "parley:shortcuts";

export function watchShortcuts(actions, box) {
  let isOn = readSwitch();
  if (box) {
    box.checked = isOn;
    box.addEventListener("change", () => {
      isOn = box.checked;
      try {
        localStorage.setItem(SWITCH_KEY, isOn ? "on" : "off");
      } catch {
        // holds for this page then
      }
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.metaKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const isWriting = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (event.ctrlKey) {
      if (event.key === "Enter") run(event, actions.forward);
      return;
    }
    if (isWriting) {
      if (event.key === "Escape") run(event, actions.leave);
      return;
    }
    if (!isOn) return;
    const action = actions[NAMES[event.key] ?? ""];
    if (action) run(event, action);
  });
}

const NAMES = {
  j: "next",
  J: "next",
  ArrowRight: "next",
  k: "previous",
  K: "previous",
  ArrowLeft: "previous",
  d: "toggle",
  D: "toggle",
  n: "note",
  N: "note",
  u: "undo",
  U: "undo",
  p: "pause",
  P: "pause",
};

function run(event, action) {
  event.preventDefault();
  action();
}

function readSwitch() {
  try {
    return localStorage.getItem(SWITCH_KEY) !== "off";
  } catch {
    return true;
  }
}
