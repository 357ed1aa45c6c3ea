// Owns: the executor page's elements: which step shows, what is ticked, what is said. Knows no API.

import { confirmChoice } from "../ui/confirm.js";
import { language, say, sayChoice } from "../texts.js";

const UNDO_MS = 8000;
const STATE_TONES = { in_progress: "good", paused: "warn", completed: "good", abandoned: "neutral" };

export class ExecutorView {
  constructor(root) {
    this.root = root;
    this.panels = [...root.querySelectorAll("[data-step]")];
    this.total = this.panels.length;
    this.shown = Number(root.querySelector('[aria-current="step"]')?.dataset.go ?? 1);
    this.undoTimer = null;
  }

  find(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  note(number) {
    return this.root.querySelector(`[data-note="${number}"]`);
  }

  /** Show a step. With `focus` its heading is focused, so that a screen reader reads on from there. */
  go(number, { focus = true } = {}) {
    this.shown = Math.min(Math.max(1, number), this.total);
    for (const panel of this.panels) panel.classList.toggle("is-away", Number(panel.dataset.step) !== this.shown);
    for (const link of this.root.querySelectorAll("[data-go]")) {
      if (Number(link.dataset.go) === this.shown) {
        link.setAttribute("aria-current", "step");
        if (link.scrollIntoView) link.scrollIntoView({ block: "nearest", inline: "nearest" });
      } else link.removeAttribute("aria-current");
    }
    history.replaceState(null, "", `#step-${this.shown}`);
    if (focus) document.getElementById(`step-${this.shown}-title`).focus({ preventScroll: false });
    this.showButtons();
  }

  /** Show what is done and noted. A field somebody writes in keeps its caret. */
  showProgress(progress) {
    this.progress = progress;
    const done = new Set(progress.done);
    for (let number = 1; number <= this.total; number += 1) {
      const isDone = done.has(number);
      this.root.querySelector(`[data-done="${number}"]`).checked = isDone;
      const link = this.root.querySelector(`[data-go="${number}"]`);
      link.classList.toggle("is-done", isDone);
      link.querySelector("[data-go-state]").textContent = say(isDone ? "step_is_done" : "step_is_open");
      putText(this.note(number), progress.notes[number] ?? "");
    }
    const bar = this.find("progress");
    bar.value = done.size;
    this.find("counter").textContent = say("counter", { done: done.size, total: this.total });
    this.showButtons();
  }

  showButtons() {
    const next = this.find("next");
    if (!next) return;
    const isLast = this.shown === this.total;
    const isDone = this.progress?.done.includes(this.shown);
    this.find("previous").disabled = this.shown === 1;
    next.hidden = isLast;
    this.find("complete").hidden = !isLast;
    this.find("next-label").textContent = say(isDone ? "next" : "done_next");
  }

  /** Show what the server says of the run as a whole. */
  showState(state, { isSilent = false } = {}) {
    const words = say(`state_${state.status}`);
    const tone = STATE_TONES[state.status];
    const pill = this.find("clock-state");
    const text = isSilent || (state.status === "in_progress" && !state.is_timing) ? say("clock_still") : words;
    if (pill.textContent !== text) pill.textContent = text;
    pill.className = `pill pill--${text === words ? tone : "warn"}`;
    const pause = this.find("pause-label");
    if (pause) pause.textContent = say(state.status === "paused" ? "go_on" : "pause");
    this.showLastEdit(state);
  }

  showLastEdit(state) {
    const line = this.find("last-edit");
    if (state.rev === 1 || !state.last_device) {
      line.textContent = "";
      return;
    }
    const minutes = Math.round((Date.parse(state.server_time) - Date.parse(state.last_active_at)) / 60_000);
    const date = () => new Date(state.last_active_at).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
    const when = minutes < 1 ? say("just_now") : minutes < 60 ? say("minutes_ago", { minutes }) : say("on_date", { date: date() });
    line.textContent = say("last_edit", { device: sayChoice("device", state.last_device.toLowerCase()), when });
  }

  showSave(text, tone = "") {
    const line = this.find("save-status");
    if (!line) return;
    line.dataset.tone = tone;
    if (line.textContent !== text) line.textContent = text;
  }

  showTrouble(text, { canReload = false } = {}) {
    this.find("trouble").hidden = !text;
    this.find("trouble-text").textContent = text;
    this.find("trouble-action").hidden = !canReload;
    if (canReload) this.find("trouble-link").textContent = say("reload");
  }

  announce(text) {
    // Emptied first: the same words twice would not be read again.
    const region = this.find("announce");
    region.textContent = "";
    requestAnimationFrame(() => { region.textContent = text; });
  }

  offerUndo(text) {
    clearTimeout(this.undoTimer);
    this.find("undo-text").textContent = text;
    this.find("undo").hidden = false;
    this.undoTimer = setTimeout(() => this.hideUndo(), UNDO_MS);
  }

  hideUndo() {
    clearTimeout(this.undoTimer);
    const toast = this.find("undo");
    const hadFocus = toast.contains(document.activeElement);
    toast.hidden = true;
    if (hadFocus) document.getElementById(`step-${this.shown}-title`).focus();
  }

  /** Nothing can be changed any more. */
  freeze() {
    for (const note of this.root.querySelectorAll("[data-note]")) note.readOnly = true;
    for (const box of this.root.querySelectorAll("[data-done]")) box.disabled = true;
    for (const button of this.root.querySelectorAll("[data-pause], [data-next], [data-previous], [data-complete], [data-dialog-open='give-up']")) {
      button.hidden = true;
    }
    this.hideUndo();
  }

  celebrate(timeText) {
    this.find("completed-time").textContent = timeText;
    this.find("completed").showModal();
  }

  /** Ask where a run with open steps goes. @returns {Promise<boolean>} go to the first open one */
  askOpenSteps(numbers) {
    const count = numbers.length === 1 ? "one" : "many";
    const steps = numbers.join(", ");
    return confirmChoice({
      title: say(`open_${count}_title`, { steps }),
      text: say(`open_${count}_text`, { steps }),
      action: say("open_go", { number: numbers[0] }),
      cancel: say("cancel"),
      language,
    });
  }
}

function putText(field, text) {
  if (field.value.trim() === text.trim()) return;
  const { selectionStart, selectionEnd } = field;
  const isFocused = document.activeElement === field;
  field.value = text;
  if (isFocused) field.setSelectionRange(Math.min(selectionStart, text.length), Math.min(selectionEnd, text.length));
}
