// Owns: watching a conversation while it runs. Only listens: a watcher can say nothing.
// By the socket; where that is blocked, by asking over HTTP while a socket is tried now and then.
import { TranscriptView } from "../conversation/transcript-view.js";
import { request } from "../http.js";

const PROTOCOL = "parley.v1";
const ENDED = 1000;
const FINAL_CODES = new Set([1008, 4401, 4409]);
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const SOCKET_TRIES = 2; // failures to open in a row before HTTP takes over
const PROBE_MS = 30_000; // while asking over HTTP: how often a socket is tried again
const PING_MS = 20_000;
const WAIT_SECONDS = 15;

const { socketPath, watchPath } = JSON.parse(document.getElementById("live-settings").textContent);
const list = document.querySelector("[data-live-list]");
const words = document.querySelector("[data-live-status]");
const empty = document.querySelector("[data-live-empty]");
const over = document.querySelector("[data-live-over]");
const view = new TranscriptView(list, { agent: "Interviewer", user: "Visitor" });
let seq = null;
let failures = 0;
let poll = null;
let isOver = false;

function say(text) {
  words.textContent = text;
}

function showStatus({ status }) {
  if (status === "ended") finish();
  else say({ ready: "Not begun yet", active: "Live", paused: "Paused by the visitor" }[status] ?? "Live");
}

function finish() {
  isOver = true;
  poll?.abort();
  say("Over");
  over.hidden = false;
}

function close(text) {
  isOver = true;
  poll?.abort();
  say(text);
}

function take(event) {
  if (event.type === "snapshot") {
    view.clear();
    for (const segment of event.segments) view.show(segment);
    seq = event.seq;
    showStatus(event);
  } else if (event.seq === null || event.seq > (seq ?? 0)) {
    if (event.seq !== null) seq = event.seq;
    if (event.type === "transcript") view.show(event);
    else if (event.type === "session") showStatus(event);
    else if (event.type === "agent_state" && event.state === "thinking") say("Live: the interviewer thinks");
    else if (event.type === "agent_state") say("Live");
  }
  if (empty) empty.hidden = list.children.length > 0;
}

// --- the socket ----------------------------------------------------------------------------------

function connect() {
  if (isOver) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const after = seq === null ? "" : `?after=${seq}`;
  let socket;
  try {
    socket = new WebSocket(`${scheme}://${location.host}${socketPath}${after}`, [PROTOCOL]);
  } catch {
    startPolling(); // a policy forbids the address
    return;
  }
  let ping = 0;
  let isLost = false;
  socket.addEventListener("open", () => {
    failures = 0;
    poll?.abort();
    poll = null;
    ping = setInterval(() => socket.send(JSON.stringify({ type: "ping" })), PING_MS);
  });
  socket.addEventListener("message", ({ data }) => take(JSON.parse(data)));
  const lose = (code) => {
    clearInterval(ping);
    if (isLost || isOver) return;
    isLost = true;
    if (code === ENDED) finish();
    else if (FINAL_CODES.has(code)) close("The live view was closed. Reload to see what is new.");
    else retry();
  };
  socket.addEventListener("close", ({ code }) => lose(code));
  // Chromium closes a socket that a policy forbids without a close event.
  socket.addEventListener("error", () => lose(1006));
}

function retry() {
  failures += 1;
  if (failures >= SOCKET_TRIES) startPolling();
  else say("Connection lost, trying again. Reloading shows what is new too.");
  setTimeout(connect, poll ? PROBE_MS : RETRY_MS[Math.min(failures - 1, RETRY_MS.length - 1)]);
}

// --- HTTP ----------------------------------------------------------------------------------------

async function startPolling() {
  if (poll || isOver) return;
  const own = new AbortController();
  poll = own;
  let misses = 0;
  while (!own.signal.aborted) {
    try {
      const query = seq === null ? "" : `?after=${seq}&wait=${WAIT_SECONDS}`;
      const page = await request(`${watchPath}${query}`, { signal: own.signal });
      misses = 0;
      if (page.snapshot) take({ ...page.snapshot, type: "snapshot" });
      for (const event of page.events) take(event);
      if (page.status === "ended" && !page.has_more) finish();
      else if (!page.has_more) showStatus(page);
      if (page.agent_state === "thinking" && page.status === "active") say("Live: the interviewer thinks");
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 410) close("What was said here is erased.");
      else if ([401, 403, 404].includes(error.status)) close("The live view was closed. Reload to see what is new.");
      else {
        say("Connection lost, trying again. Reloading shows what is new too.");
        const wait = (error.retryAfterSeconds ?? 0) * 1000 || RETRY_MS[Math.min(misses++, RETRY_MS.length - 1)];
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }
}

connect();
