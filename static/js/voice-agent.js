// Owns: the chat page. Starts a conversation, speaks and types in it, pauses and ends it, survives a reload.

import { request } from "./http.js";
import { ConversationConnection } from "./conversation/connection.js";
import { TranscriptView } from "./conversation/transcript-view.js";
import { language, say, sayChoice, sayServed } from "./texts.js";
import { confirmChoice } from "./ui/confirm.js";
import { CaptionPacer } from "./voice/captions.js";
import { ChatVoice } from "./voice/chat-voice.js";

const STORE = "parley.chat";
const DRAFT = "parley.chat.draft"; // what was typed when the page's language was switched

const settings = JSON.parse(document.getElementById("chat-settings").textContent);
const find = (name) => document.querySelector(`[data-chat-${name}]`);
const page = {
  start: find("start"), form: find("start-form"), talk: find("talk"), list: find("list"), composer: find("composer"),
  input: find("input"), send: find("send"), count: find("count"), status: find("status"), agent: find("agent"),
  time: find("time"), progress: find("progress"), progressNote: find("progress-note"), bar: find("bar"),
  banner: find("banner"), error: find("error"), startError: find("start-error"), pause: find("pause"),
  resume: find("resume"), done: find("done"), over: find("over"), overText: find("over-text"),
  download: find("download"), again: find("again"), engine: find("engine"),
};
const view = new TranscriptView(page.list, {
  agent: say("who_agent"), user: say("who_user"), interrupted: say("interrupted"), sending: say("sending"),
  after: (seconds) => say("after", { seconds }), locale: language,
});
const captions = new CaptionPacer((segment) => view.show(segment), (id) => view.remove(id));
const voice = new ChatVoice(find("voice"), settings.voiceUrls);

let stored = readStored();
let connection = null;
let clock = { left: 0, at: 0, runs: false };
let typingSince = 0;

function readStored() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE));
  } catch {
    return null; // blocked or spoilt storage: the conversation just does not survive a reload
  }
}

function store(value) {
  stored = value;
  try {
    if (value) sessionStorage.setItem(STORE, JSON.stringify(value));
    else sessionStorage.removeItem(STORE);
  } catch {
    // As above.
  }
}

function put(place, words) {
  place.textContent = words;
  place.hidden = !words;
}

function show(part) {
  for (const name of ["start", "talk"]) page[name].hidden = name !== part;
}

async function start(event) {
  event.preventDefault();
  put(page.startError, "");
  const fields = new FormData(page.form);
  const body = { language: fields.get("language") || "en" };
  const isSpoken = fields.get("mode") === "voice";
  if (isSpoken) body.mode = "voice";
  for (const name of ["system_prompt", "room", "identity"]) {
    const value = fields.get(name)?.trim();
    if (value) body[name] = value;
  }
  const button = page.form.querySelector("button");
  button.disabled = true;
  try {
    const created = await request(settings.createUrl, { method: "POST", body });
    store({ id: created.session_id, token: created.session_token, socketUrl: created.ws_url, transports: created.transports, language: body.language });
    join();
    put(page.engine, sayServed(created.voice));
    if (isSpoken) await voice.start();
  } catch (error) {
    const first = error.errors?.[0]?.detail;
    put(page.startError, [error.message, first].filter(Boolean).map(sayServed).join(" "));
  } finally {
    button.disabled = false;
  }
}

function join() {
  view.clear();
  view.spokenLanguage = stored.language ?? "";
  page.over.hidden = true;
  page.composer.hidden = false;
  show("talk");
  connection = new ConversationConnection({
    socketUrl: stored.socketUrl, baseUrl: `/session/${stored.id}`, token: stored.token, request,
  });
  connection.addEventListener("state", ({ detail }) => takeConnectionState(detail));
  connection.addEventListener("event", ({ detail }) => take(detail));
  connection.open();
  voice.join({ connection, post: switchVoice, transports: stored.transports ?? [] });
  page.input.focus();
}

function switchVoice(body) {
  const headers = { Authorization: `Bearer ${stored.token}` };
  return request(`/session/${stored.id}/voice`, { method: "POST", headers, body });
}

function takeConnectionState(state) {
  put(page.banner, sayChoice("connection", state, ""));
  if (state === "ended" && page.over.hidden) takeStatus({ status: "ended", end_reason: null, seconds_left: 0 });
  if (state === "denied" && !page.list.children.length) {
    store(null);
    show("start");
    put(page.startError, say("connection_denied"));
  }
}

function take(event) {
  if (voice.take(event)) return;
  if (event.type === "snapshot") {
    captions.flush();
    for (const segment of event.segments) captions.take({ ...segment, seq: event.seq });
    takeStatus(event);
    takeProgress(event.progress);
    put(page.agent, sayChoice("agent", event.agent_state, ""));
  } else if (event.type === "transcript") captions.take(event);
  else if (event.type === "progress") takeProgress(event);
  else if (event.type === "session") takeStatus(event);
  else if (event.type === "agent_state") put(page.agent, sayChoice("agent", event.state, ""));
  else if (event.type === "error") takeError(event);
}

function takeStatus({ status, end_reason: reason, seconds_left: left }) {
  page.status.dataset.status = status;
  page.status.textContent = say(`status_${status}`);
  clock = { left, at: performance.now(), runs: status === "active" };
  drawClock();
  page.pause.hidden = status !== "active";
  page.resume.hidden = status !== "paused";
  page.input.disabled = status === "ended";
  page.send.disabled = status === "ended";
  if (status === "ended") finish(reason);
}

function takeProgress(progress) {
  page.progress.hidden = !progress;
  if (!progress) return;
  page.bar.max = progress.total;
  page.bar.value = progress.answered;
  const words = progress.closed
    ? say("progress_closed")
    : say("progress_at", { number: progress.current_number ?? progress.answered, total: progress.total });
  page.progressNote.textContent = words;
}

function takeError({ code, title, detail, client_id: clientId }) {
  const words = clientId ? view.takeBack(clientId) : "";
  if (words && !page.input.value) page.input.value = words; // nothing written is lost
  if (code === "session_ended") return;
  put(page.error, sayServed(detail || title));
}

function finish(reason) {
  voice.leave();
  captions.flush();
  connection?.close();
  page.composer.hidden = true;
  page.over.hidden = false;
  put(page.agent, "");
  put(page.banner, "");
  page.overText.textContent = sayChoice("end", reason, say("end_stopped"));
  page.over.focus();
}

function drawClock() {
  const left = Math.max(0, clock.left - (clock.runs ? (performance.now() - clock.at) / 1000 : 0));
  const minutes = Math.floor(left / 60);
  const seconds = String(Math.floor(left % 60)).padStart(2, "0");
  page.time.hidden = page.status.dataset.status === "ended";
  page.time.textContent = say("time_left", { time: `${minutes}:${seconds}` });
}

function submit(event) {
  event?.preventDefault();
  const text = page.input.value.trim();
  if (!text || !connection) return;
  if (text.length > settings.maxTurnChars) {
    put(page.error, say("too_long", { count: settings.maxTurnChars }));
    return;
  }
  put(page.error, "");
  const typingSeconds = typingSince ? (performance.now() - typingSince) / 1000 : undefined;
  view.showPending(connection.say(text, { typingSeconds }), text);
  page.input.value = "";
  typingSince = 0;
  drawCount();
  page.input.focus();
}

function drawCount() {
  const left = settings.maxTurnChars - page.input.value.length;
  put(page.count, left < 300 ? say("characters_left", { count: left }) : "");
}

async function stop() {
  const sure = await confirmChoice({
    title: say("stop_title"), text: say("stop_text"), action: say("stop_yes"), cancel: say("stop_no"), language,
  });
  if (!sure) return;
  try {
    await request(`/session/${stored.id}`, { method: "DELETE", headers: { Authorization: `Bearer ${stored.token}` } });
    takeStatus({ status: "ended", end_reason: "stopped", seconds_left: 0 });
  } catch (error) {
    put(page.error, sayServed(error.message));
  }
}

async function download() {
  const answer = await fetch(`/transcripts/${stored.id}.txt`, { headers: { Authorization: `Bearer ${stored.token}` } });
  if (!answer.ok) {
    put(page.error, say("not_fetched"));
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${stored.id}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** What is typed and not sent yet: it outlives the switch to the page in the other language. */
function keepDraft() {
  const kept = [...document.querySelectorAll("[data-chat-start-form] :is(textarea, input[type=text]), [data-chat-input]")];
  const draft = Object.fromEntries(kept.filter(({ value }) => value).map(({ id, value }) => [id, value]));
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // As in store().
  }
}

function restoreDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT)) ?? {};
    sessionStorage.removeItem(DRAFT);
    for (const [id, value] of Object.entries(draft)) {
      const field = document.getElementById(id);
      if (field) field.value = value;
    }
  } catch {
    // As in readStored().
  }
}

voice.addEventListener("change", () => {
  captions.isOn = voice.isOn;
  if (!voice.isOn) captions.flush();
});
page.form?.addEventListener("submit", start);
// The page speaks the conversation's language from its next loading on: to change it at once, while
// somebody chooses, would take the form from under their hands.
page.form?.elements.language.addEventListener("change", ({ target }) => history.replaceState(history.state, "", `?lang=${target.value}`));
find("switch").addEventListener("click", keepDraft);
page.composer.addEventListener("submit", submit);
page.input.addEventListener("input", () => {
  typingSince ||= performance.now();
  if (!page.input.value) typingSince = 0;
  drawCount();
});
page.input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
page.pause.addEventListener("click", () => connection?.pause());
page.resume.addEventListener("click", () => connection?.resume());
page.done.addEventListener("click", stop);
page.download.addEventListener("click", download);
page.again.addEventListener("click", () => {
  store(null);
  voice.leave();
  connection?.close();
  connection = null;
  show("start");
  page.form?.querySelector("button")?.focus();
});
restoreDraft();
setInterval(drawClock, 1000);
if (stored?.token) join();
