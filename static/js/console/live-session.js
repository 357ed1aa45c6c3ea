// Owns: watching a conversation while it runs. Only listens: a watcher can say nothing.
import { TranscriptView } from "../conversation/transcript-view.js";

const PROTOCOL = "parley.v1";
const ENDED = 1000;
const FINAL_CODES = new Set([1008, 4401, 4409]);
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];
const PING_MS = 20_000;

const { socketPath } = JSON.parse(document.getElementById("live-settings").textContent);
const list = document.querySelector("[data-live-list]");
const words = document.querySelector("[data-live-status]");
const empty = document.querySelector("[data-live-empty]");
const over = document.querySelector("[data-live-over]");
const view = new TranscriptView(list, { agent: "Interviewer", user: "Visitor" });
let seq = null;
let failures = 0;

function say(text) {
  words.textContent = text;
}

function showStatus({ status }) {
  if (status === "ended") finish();
  else say({ ready: "Not begun yet", active: "Live", paused: "Paused by the visitor" }[status] ?? "Live");
}

function finish() {
  say("Over");
  over.hidden = false;
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

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const after = seq === null ? "" : `?after=${seq}`;
  const socket = new WebSocket(`${scheme}://${location.host}${socketPath}${after}`, [PROTOCOL]);
  let ping = 0;
  socket.addEventListener("open", () => {
    failures = 0;
    ping = setInterval(() => socket.send(JSON.stringify({ type: "ping" })), PING_MS);
  });
  socket.addEventListener("message", ({ data }) => take(JSON.parse(data)));
  socket.addEventListener("close", ({ code }) => {
    clearInterval(ping);
    if (code === ENDED) finish();
    else if (FINAL_CODES.has(code)) say("The live view was closed. Reload to see what is new.");
    else {
      say("Connection lost, trying again. Reloading shows what is new too.");
      setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    }
  });
}

connect();
