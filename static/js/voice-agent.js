// Owns: the chat page. Starts a conversation, speaks and types in it, pauses and ends it, survives a reload.

import { request } from "./http.js";
import { ConversationConnection } from "./conversation/connection.js";
import { TranscriptView } from "./conversation/transcript-view.js";
import { confirmChoice } from "./ui/confirm.js";
import { CaptionPacer } from "./voice/captions.js";
import { ChatVoice } from "./voice/chat-voice.js";

const STORE = "parley.chat";
const CONNECTION_WORDS = {
  connecting: "Connecting…",
  reconnecting: "The connection was lost. Trying again; what you write is kept.",
  polling: "Live connection blocked here: messages go the slower way.",
  replaced: "This conversation was opened in too many tabs. Reload to take part here.",
  denied: "This conversation can no longer be opened. Start a new one.",
  refused: "This page and the server do not understand each other. Reload the page.",
};
const AGENT_WORDS = {
  initializing: "Agent: getting ready", listening: "Agent: listening", thinking: "Agent: thinking…", speaking: "Agent: speaking",
};
const END_WORDS = {
  done: "You finished the conversation.",
  time_limit: "The time of this conversation is up.",
  stopped: "The conversation was ended.",
  expired: "The conversation was ended because nobody came back in time.",
  failed: "The conversation had to be ended because something failed.",
};

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
const view = new TranscriptView(page.list, { agent: "Agent", user: "You" });
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

function say(place, words) {
  place.textContent = words;
  place.hidden = !words;
}

function show(part) {
  for (const name of ["start", "talk"]) page[name].hidden = name !== part;
}

async function start(event) {
  event.preventDefault();
  say(page.startError, "");
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
    store({ id: created.session_id, token: created.session_token, socketUrl: created.ws_url, transports: created.transports });
    join();
    say(page.engine, created.voice);
    if (isSpoken) await voice.start();
  } catch (error) {
    const first = error.errors?.[0]?.detail;
    say(page.startError, first ? `${error.message} ${first}` : error.message);
  } finally {
    button.disabled = false;
  }
}

function join() {
  view.clear();
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
  say(page.banner, CONNECTION_WORDS[state] ?? "");
  if (state === "ended" && page.over.hidden) takeStatus({ status: "ended", end_reason: null, seconds_left: 0 });
  if (state === "denied" && !page.list.children.length) {
    store(null);
    show("start");
    say(page.startError, CONNECTION_WORDS.denied);
  }
}

function take(event) {
  if (voice.take(event)) return;
  if (event.type === "snapshot") {
    captions.flush();
    for (const segment of event.segments) captions.take({ ...segment, seq: event.seq });
    takeStatus(event);
    takeProgress(event.progress);
    say(page.agent, AGENT_WORDS[event.agent_state] ?? "");
  } else if (event.type === "transcript") captions.take(event);
  else if (event.type === "progress") takeProgress(event);
  else if (event.type === "session") takeStatus(event);
  else if (event.type === "agent_state") say(page.agent, AGENT_WORDS[event.state] ?? "");
  else if (event.type === "error") takeError(event);
}

function takeStatus({ status, end_reason: reason, seconds_left: left }) {
  page.status.dataset.status = status;
  page.status.textContent = { ready: "Starting", active: "Live", paused: "Paused", ended: "Ended" }[status];
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
    ? "All questions asked. Press Done when you are ready."
    : `Question ${progress.current_number ?? progress.answered} of ${progress.total}`;
  page.progressNote.textContent = words;
}

function takeError({ code, title, detail, client_id: clientId }) {
  const words = clientId ? view.takeBack(clientId) : "";
  if (words && !page.input.value) page.input.value = words; // nothing written is lost
  if (code === "session_ended") return;
  say(page.error, detail || title);
}

function finish(reason) {
  voice.leave();
  captions.flush();
  connection?.close();
  page.composer.hidden = true;
  page.over.hidden = false;
  say(page.agent, "");
  say(page.banner, "");
  page.overText.textContent = END_WORDS[reason] ?? END_WORDS.stopped;
  page.over.focus();
}

function drawClock() {
  const left = Math.max(0, clock.left - (clock.runs ? (performance.now() - clock.at) / 1000 : 0));
  const minutes = Math.floor(left / 60);
  const seconds = String(Math.floor(left % 60)).padStart(2, "0");
  page.time.hidden = page.status.dataset.status === "ended";
  page.time.textContent = `${minutes}:${seconds} left`;
}

function submit(event) {
  event?.preventDefault();
  const text = page.input.value.trim();
  if (!text || !connection) return;
  if (text.length > settings.maxTurnChars) {
    say(page.error, `A message has at most ${settings.maxTurnChars} characters. Send it in two parts.`);
    return;
  }
  say(page.error, "");
  const typingSeconds = typingSince ? (performance.now() - typingSince) / 1000 : undefined;
  view.showPending(connection.say(text, { typingSeconds }), text);
  page.input.value = "";
  typingSince = 0;
  drawCount();
  page.input.focus();
}

function drawCount() {
  const left = settings.maxTurnChars - page.input.value.length;
  say(page.count, left < 300 ? `${left} characters left` : "");
}

async function stop() {
  const sure = await confirmChoice({
    title: "End this conversation?", text: "The transcript is kept. You cannot go on afterwards.", action: "End it",
  });
  if (!sure) return;
  try {
    await request(`/session/${stored.id}`, { method: "DELETE", headers: { Authorization: `Bearer ${stored.token}` } });
    takeStatus({ status: "ended", end_reason: "stopped", seconds_left: 0 });
  } catch (error) {
    say(page.error, error.message);
  }
}

async function download() {
  const answer = await fetch(`/transcripts/${stored.id}.txt`, { headers: { Authorization: `Bearer ${stored.token}` } });
  if (!answer.ok) {
    say(page.error, "The transcript could not be fetched. Try again in a moment.");
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = `${stored.id}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

voice.addEventListener("change", () => {
  captions.isOn = voice.isOn;
  if (!voice.isOn) captions.flush();
});
page.form?.addEventListener("submit", start);
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
setInterval(drawClock, 1000);
if (stored?.token) join();
