// Owns: the executor page: what a click, a key, another tab and the passing of time lead to.

import { request, ProblemError } from "../http.js";
import { ExecutorView } from "./executor-view.js";
import { openOutbox } from "./outbox.js";
import { withDone, withNote } from "./progress.js";
import { formatClock, RunClock } from "./run-clock.js";
import { ProgressSaver } from "./saver.js";
import { watchShortcuts } from "./shortcuts.js";
import { language, say, sayServed } from "../texts.js";

const HEARTBEAT_MS = 15_000;
const HIDDEN_HEARTBEAT_MS = 60_000;
const IDLE_MS = 30 * 60_000; // a tab left open over night is not work
const MAX_UNDO = 50;

const settings = JSON.parse(document.getElementById("executor-settings").textContent);
const root = document.querySelector("[data-executor]");
const view = new ExecutorView(root);
const clock = new RunClock(view.find("clock"));
const undoStack = [];
let state = settings.execution;
let lastTouch = Date.now();
let lastBeat = Date.now();
let isBeating = false;
let tabs = null;

const isOver = () => !["in_progress", "paused"].includes(state.status);

start();

async function start() {
  const outbox = await openOutbox(state.execution_id, state.user_id);
  const saver = new ProgressSaver({
    url: settings.apiUrl,
    state,
    outbox,
    onProgress: (progress, about) => meetNews(progress, about),
    onState: takeState,
    onStatus: showStatus,
  });
  view.showProgress(saver.mine);
  takeState(state);
  if (isOver()) {
    view.freeze();
  } else {
    watchTabs(saver);
    saver.recover(await outbox.takeOver());
    watchPage(saver);
    watchClock(saver);
    beat(saver);
  }
  view.go(stepOfAddress() ?? state.current_step, { focus: false });
  root.dataset.ready = "yes";
}

function stepOfAddress() {
  const number = Number(/^#step-(\d+)$/.exec(location.hash)?.[1]);
  return number >= 1 && number <= view.total ? number : null;
}

function takeState(newest) {
  const wasOver = isOver();
  state = newest;
  clock.set(newest);
  view.showState(newest);
  if (isOver() && !wasOver) view.freeze();
}

/** Something of another tab or device, or of this browser's store, was put upon the page. */
function meetNews(progress, { clashes, isForeign }) {
  view.showProgress(progress);
  if (clashes.length) {
    const text = say("note_clash", { steps: clashes.join(", ") });
    view.showTrouble(text);
  } else if (isForeign) {
    view.announce(say("updated_elsewhere"));
  }
}

function showStatus(status, detail) {
  const at = new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  const words = {
    saved: [say("saved_at", { time: at }), "good"],
    waiting: [say("not_saved_yet"), ""],
    saving: [say("saving"), ""],
    offline: [say("offline"), "warn"],
    refused: [say("not_saved"), "bad"],
    "signed-out": [say("not_saved_sign_in"), "bad"],
    over: [say("run_ended"), ""],
  };
  view.showSave(...words[status]);
  if (status === "refused") view.showTrouble(sayServed(detail));
  else if (status === "signed-out") {
    view.showTrouble(say("signed_out"), { canReload: true });
  } else if (status === "over") view.showTrouble(sayServed(detail));
  else if (status === "saved" && view.find("trouble-action").hidden === false) view.showTrouble("");
  if (status === "saved") tabs?.postMessage({ state });
}

function watchPage(saver) {
  const edit = (progress) => {
    lastTouch = Date.now();
    saver.edit(progress);
    view.showProgress(saver.mine);
  };
  const tick = (number, isDone) => {
    if (saver.mine.done.includes(number) === isDone) return;
    undoStack.push({ number, wasDone: !isDone });
    if (undoStack.length > MAX_UNDO) undoStack.shift();
    edit(withDone(saver.mine, number, isDone));
    const said = say(isDone ? "step_now_done" : "step_now_open", { number });
    view.offerUndo(said);
    view.announce(`${said}. ${say("step_count", { done: saver.mine.done.length, total: view.total })}`);
  };
  const undo = () => {
    const last = undoStack.pop();
    if (!last) return;
    view.hideUndo();
    edit(withDone(saver.mine, last.number, last.wasDone));
    view.go(last.number);
    view.announce(say(last.wasDone ? "undone_done" : "undone_open", { number: last.number }));
  };
  const forward = () => {
    if (isOver()) return;
    if (view.shown === view.total) {
      complete(saver, tick);
      return;
    }
    tick(view.shown, true);
    view.go(view.shown + 1);
  };

  root.addEventListener("input", (event) => {
    const number = Number(event.target.dataset.note);
    if (number) edit(withNote(saver.mine, number, event.target.value));
  });
  root.addEventListener("change", (event) => {
    const number = Number(event.target.dataset.done);
    if (number) tick(number, event.target.checked);
  });
  root.addEventListener("click", (event) => {
    const link = event.target.closest("[data-go]");
    if (link) {
      event.preventDefault();
      view.go(Number(link.dataset.go));
    }
  });
  view.find("next").addEventListener("click", forward);
  view.find("previous").addEventListener("click", () => view.go(view.shown - 1));
  view.find("complete").addEventListener("click", () => complete(saver, tick));
  view.find("undo-button").addEventListener("click", undo);
  view.find("pause").addEventListener("click", () => pauseOrGoOn(saver));
  view.find("give-up-form").addEventListener("submit", (event) => giveUp(event, saver));
  watchShortcuts(
    {
      next: () => view.go(view.shown + 1),
      previous: () => view.go(view.shown - 1),
      toggle: () => tick(view.shown, !saver.mine.done.includes(view.shown)),
      note: () => view.note(view.shown).focus(),
      leave: () => document.getElementById(`step-${view.shown}-title`).focus(),
      undo,
      pause: () => pauseOrGoOn(saver),
      forward,
    },
    view.find("shortcuts-on"),
  );
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, () => { lastTouch = Date.now(); }, { passive: true });
  }
  window.addEventListener("online", () => saver.retryNow());
  window.addEventListener("pagehide", () => saver.leave());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") saver.leave();
    else {
      lastTouch = Date.now();
      saver.retryNow();
      beat(saver);
    }
  });
  window.addEventListener("beforeunload", (event) => {
    // Only where the browser keeps nothing would closing lose something.
    if (saver.isKept === false && saver.status !== "saved") event.preventDefault();
  });
}

/** Tabs of one browser tell each other at once; devices learn by the next heartbeat. */
function watchTabs(saver) {
  if (!("BroadcastChannel" in window)) return;
  tabs = new BroadcastChannel(`parley-executor-${state.execution_id}`);
  tabs.addEventListener("message", (event) => saver.adopt(event.data.state));
}

function watchClock(saver) {
  setInterval(() => {
    clock.show();
    if (clock.isSilent) view.showState(state, { isSilent: true });
    const rest = document.visibilityState === "visible" ? HEARTBEAT_MS : HIDDEN_HEARTBEAT_MS;
    if (Date.now() - lastBeat >= rest && Date.now() - lastTouch < IDLE_MS) beat(saver);
  }, 500);
}

async function beat(saver) {
  if (isOver() || isBeating) return;
  isBeating = true;
  lastBeat = Date.now();
  try {
    const answer = await request(`${settings.apiUrl}/heartbeat`, { method: "POST" });
    saver.adopt(answer);
    if (answer.left_out_seconds > 0) {
      view.announce(say("away_said", { time: sayLong(answer.left_out_seconds) }));
      view.showSave(say("away_shown", { time: sayLong(answer.left_out_seconds) }));
    }
    saver.retryNow();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (error.status === 401 || error.status === 403) saver.tell("signed-out", error.message);
  } finally {
    isBeating = false;
  }
}

async function act(what, body) {
  try {
    return await request(`${settings.apiUrl}/${what}`, { method: "POST", body });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    view.showTrouble(sayServed(error.message), { canReload: [401, 403].includes(error.status) });
    view.announce(sayServed(error.message));
    return null;
  }
}

async function pauseOrGoOn(saver) {
  const answer = await act(state.status === "paused" ? "resume" : "pause");
  if (!answer) return;
  saver.adopt(answer);
  view.announce(say(answer.status === "paused" ? "paused_said" : "resumed_said"));
  tabs?.postMessage({ state: answer });
}

async function complete(saver, tick) {
  tick(view.total, true);
  const button = view.find("complete");
  button.setAttribute("aria-busy", "true");
  try {
    if (!(await saver.flush())) {
      view.showTrouble(say("cannot_complete"));
      return;
    }
    const open = state.missing_steps;
    if (open.length) {
      if (await view.askOpenSteps(open)) view.go(open[0]);
      return;
    }
    const answer = await act("complete");
    if (!answer) return;
    saver.adopt(answer);
    tabs?.postMessage({ state: answer });
    view.hideUndo();
    view.showTrouble("");
    view.showSave(say("state_completed"), "good");
    view.celebrate(formatClock(answer.elapsed_seconds));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

async function giveUp(event, saver) {
  if (event.submitter?.value !== "yes") return;
  await saver.flush();
  const answer = await act("abandon", { reason: new FormData(event.target).get("reason") });
  if (!answer) return;
  tabs?.postMessage({ state: answer });
  location.reload();
}

function sayLong(seconds) {
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}
