// Owns: the page of one video while it is made: lights, progress, log, and the player's link.
// The server rendered the truth; this keeps it true. Messages are the status messages as published.
import { request } from "../http.js";
import { formatLocalTimes } from "../ui/local-time.js";

const PROTOCOL = "parley.v1";
const FINAL_CODES = new Set([1000, 1008, 4401, 4409]);
const RETRY_MS = [500, 1000, 2000, 4000, 8000];
const SOCKET_TRIES = 2; // failures to open in a row before HTTP takes over
const POLL_MS = 2000;
const CHECK_MS = 15_000; // an open run is looked at this often, even if the socket is silent
const RELOAD_MS = 600;

const settings = JSON.parse(document.getElementById("studio-settings").textContent);
const lights = document.querySelector("[data-lights]");
const log = document.querySelector("[data-log]");
const announce = document.querySelector("[data-announce]");
const player = document.querySelector("[data-player]");
const trouble = document.querySelector("[data-trouble]");
const seen = new Set([...log.children].map((line) => Number(line.dataset.seq)));
const said = new Map(); // agent -> last line of the log, so that percents do not fill it
let seq = settings.seq;
let run = settings.run;
let failures = 0;
let isLeaving = false;

function reload() {
  if (isLeaving) return;
  isLeaving = true;
  setTimeout(() => location.reload(), RELOAD_MS);
}

function warn(text) {
  trouble.hidden = !text;
  trouble.querySelector("[data-trouble-text]").textContent = text;
}

function dollars(cost) {
  return `$${cost.toFixed(cost > 0 && cost < 1 ? 4 : 2)}`;
}

function factsOf({ fileCount, cost }) {
  const facts = [];
  if (fileCount !== undefined) facts.push(`${fileCount} ${fileCount === 1 ? "file" : "files"}`);
  if (cost) facts.push(dollars(cost));
  return facts.join(", ");
}

function showLight(message) {
  const light = lights.querySelector(`[data-agent="${message.agentnumber}"]`);
  if (!light || Number(light.dataset.seq) >= message.seq) return;
  light.dataset.seq = message.seq;
  const changed = light.dataset.status !== message.status;
  light.dataset.status = message.status;
  light.querySelector("[data-word]").textContent = settings.words[message.status];
  light.querySelector("[data-facts]").textContent = factsOf(message);
  const reason = light.querySelector("[data-reason]");
  reason.textContent = message.reason ?? "";
  reason.hidden = !message.reason;
  const bar = light.querySelector("[data-bar]");
  bar.hidden = message.progress === undefined;
  bar.value = message.progress ?? 0;
  if (changed) {
    const name = light.querySelector(".light__name").textContent.trim();
    announce.textContent = `${name}: ${settings.words[message.status]}. ${message.reason ?? ""}`;
  }
}

function showLine(message) {
  if (seen.has(message.seq)) return;
  seen.add(message.seq);
  const text = message.reason ?? message.info?.step ?? "";
  const line = `${message.status} ${text}`;
  if (said.get(message.agentnumber) === line) return;
  said.set(message.agentnumber, line);
  const item = document.createElement("li");
  item.className = "log__line";
  item.dataset.seq = message.seq;
  const time = document.createElement("time");
  time.dateTime = new Date(message.timestamp * 1000).toISOString();
  time.dataset.localTime = "time";
  time.textContent = time.dateTime.slice(11, 19);
  const agent = document.createElement("strong");
  agent.textContent = message.agentnumber;
  item.append(time, " ", agent, ` ${settings.words[message.status].toLowerCase()}${text ? `: ${text}` : ""}`);
  log.append(item);
  log.scrollTop = log.scrollHeight;
  document.querySelector("[data-log-empty]").hidden = true;
  formatLocalTimes(item);
}

function showOverall({ progress, cost }) {
  const bar = document.querySelector("[data-overall-bar]");
  if (bar && progress !== undefined) {
    bar.value = progress;
    document.querySelector("[data-overall-note]").textContent = `${Math.round(progress)} %`;
  }
  if (cost) document.querySelector("[data-total-cost]").textContent = dollars(cost);
}

function take(message) {
  if (message.run !== run) {
    // Started elsewhere, such as in another tab: the server draws the page of that run.
    if (message.seq > seq) reload();
    return;
  }
  seq = Math.max(seq, message.seq);
  showLight(message);
  showLine(message);
  if (message.agentnumber !== "Orchestrator") return;
  showOverall(message);
  if (settings.isOpen && (message.status === "finished" || message.status === "error")) reload();
}

// --- connection ---------------------------------------------------------------------------------

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${settings.socketPath}?after=${seq}`, [PROTOCOL]);
  let isOpen = false;
  socket.addEventListener("open", () => {
    isOpen = true;
    failures = 0;
    warn("");
  });
  socket.addEventListener("message", ({ data }) => take(JSON.parse(data)));
  socket.addEventListener("close", ({ code }) => {
    if (isLeaving) return;
    if (FINAL_CODES.has(code)) {
      warn("This page is no longer kept up to date. Reload it to see where the video stands.");
      return;
    }
    if (!isOpen) failures += 1;
    if (failures >= SOCKET_TRIES) poll();
    else setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
  });
}

/** Where sockets are blocked: the same messages over HTTP, with a socket tried now and then. */
async function poll() {
  for (let round = 0; round < 15 && !isLeaving; round += 1) {
    try {
      const answer = await request(`${settings.statusUrl}?after=${seq}`);
      [...answer.latest, ...answer.events].sort((a, b) => a.seq - b.seq).forEach(take);
      judge(answer.run);
    } catch (error) {
      if (error.status === 401 || error.status === 404) {
        warn("This video can no longer be read here. Reload the page.");
        return;
      }
      warn("The server cannot be reached at the moment. Trying again.");
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (!isLeaving) connect();
}

function judge(state) {
  if (!state || state.runId !== run) {
    if (state) reload();
    return;
  }
  if (settings.isOpen && ["finished", "failed", "cancelled"].includes(state.state)) reload();
  else if (state.is_stalled) {
    warn("Nobody is working on it: no worker has given a sign of life for half a minute. The next one goes on with it by itself.");
  } else warn("");
}

/** A light must not go on for ever when the worker, and with it all news, is gone. */
async function check() {
  if (isLeaving || document.hidden) return;
  try {
    judge((await request(settings.statusUrl)).run);
  } catch {
    warn("The server cannot be reached at the moment. Trying again.");
  }
}

// --- player -------------------------------------------------------------------------------------

function watchPlayer() {
  let renewals = 0;
  player.addEventListener("error", async () => {
    // The signed link expires; a long pause must not end in a dead player.
    if (renewals >= 3) return;
    renewals += 1;
    const at = player.currentTime;
    const wasPlaying = !player.paused;
    const { run: state } = await request(settings.videoUrlSource);
    if (!state?.videoUrl) return;
    player.src = state.videoUrl;
    player.addEventListener("loadedmetadata", () => {
      player.currentTime = at;
      if (wasPlaying) player.play();
    }, { once: true });
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-seek]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    player.currentTime = Number(link.dataset.seek);
    player.play();
    player.scrollIntoView({ block: "nearest" });
  });
}

if (player) watchPlayer();
connect();
if (settings.isOpen) setInterval(check, CHECK_MS);
