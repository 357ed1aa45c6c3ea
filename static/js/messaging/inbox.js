// Owns: keeping the inbox true while it is open. Hears that something changed, then reads it.
import { formatLocalTimes } from "../ui/local-time.js";

const PROTOCOL = "parley.v1";
const FINAL_CODES = new Set([1008, 4401]);
const RETRY_MS = [500, 1000, 2000, 5000, 15_000];
const POLL_MS = 15_000; // where sockets are blocked, and for what one missed
const PING_MS = 20_000;

const settings = JSON.parse(document.getElementById("inbox-settings").textContent);
const list = document.querySelector("[data-inbox-list]");
const thread = document.querySelector("[data-thread]");
const status = document.querySelector("[data-inbox-status]");

/** Return a part of a page as our own server rendered it, or null where it could not be read. */
function read(address) {
  return new Promise((resolve) => {
    const call = new XMLHttpRequest();
    call.open("GET", address);
    call.responseType = "document";
    call.addEventListener("load", () => {
      const isOurs = new URL(call.responseURL).pathname === new URL(address, location.href).pathname;
      resolve(call.status === 200 && isOurs ? call.response : null);
    });
    call.addEventListener("error", () => resolve(null));
    call.send();
  });
}

/** Name what has the focus, so that its successor can be found. */
function nameOf(node) {
  if (node.id) return `#${CSS.escape(node.id)}`;
  const href = node.getAttribute("href");
  return href ? `a[href="${CSS.escape(href)}"]` : null;
}

const shown = new WeakMap(); // part of this page -> the server's copy it was last made of

/** Return a copy to compare: forms' tokens are masked anew in every answer and mean no change. */
function comparable(part) {
  const copy = part.cloneNode(true);
  for (const token of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) token.removeAttribute("value");
  return copy;
}

/** Take over a part as the server shows it now; whoever is typing or standing in it stays there. */
function swap(target, fresh) {
  if (!fresh) return;
  const copy = comparable(fresh);
  if (shown.get(target)?.isEqualNode(copy)) return;
  const focused = target.contains(document.activeElement) ? document.activeElement : null;
  if (focused?.matches("input, textarea, select")) return; // the next event or poll takes it over
  shown.set(target, copy);
  const name = focused && nameOf(focused);
  target.replaceChildren(...fresh.cloneNode(true).childNodes);
  formatLocalTimes(target);
  if (name) target.querySelector(name)?.focus({ preventScroll: true });
}

function once(work) {
  let running = null;
  let again = false;
  return () => {
    if (running) { again = true; return; }
    running = work().finally(() => {
      running = null;
      if (again) { again = false; setTimeout(refreshAll, 50); }
    });
  };
}

const refreshList = once(async () => {
  const page = await read(settings.list);
  if (page) swap(list, page.body);
});

const refreshThread = once(async () => {
  // What nobody looks at is not read: the person would see blue ticks.
  if (!thread || document.hidden) return;
  const page = await read(settings.page);
  if (!page) return;
  const before = thread.querySelectorAll(".line").length;
  const isAtEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 120;
  for (const part of document.querySelectorAll("[data-live]")) {
    swap(part, page.querySelector(`[data-live="${part.dataset.live}"]`));
  }
  refreshComposer(page);
  if (isAtEnd) thread.scrollTop = thread.scrollHeight;
  const now = thread.querySelectorAll(".line").length;
  if (now > before) status.textContent = `${now - before} new`;
});

/** The 24 hours may end or begin anew, or the person opt out, while somebody looks. */
function refreshComposer(page) {
  const current = document.querySelector("[data-composer]");
  const fresh = page.querySelector("[data-composer]");
  if (fresh && current.dataset.composer !== fresh.dataset.composer) current.replaceWith(fresh);
}

function refreshAll() {
  refreshList();
  refreshThread();
}

function listen(path, heard) {
  let failures = 0;
  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${path}`, [PROTOCOL]);
    let ping = 0;
    socket.addEventListener("open", () => {
      heard(); // what came between the page and this line, or while there was none
      failures = 0;
      ping = setInterval(() => socket.send(JSON.stringify({ type: "ping" })), PING_MS);
    });
    socket.addEventListener("message", ({ data }) => {
      const { type } = JSON.parse(data);
      if (type !== "snapshot" && type !== "pong") heard();
    });
    socket.addEventListener("close", ({ code }) => {
      clearInterval(ping);
      if (FINAL_CODES.has(code)) return;
      setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    });
  };
  connect();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-reply]")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshAll(); });
if (thread) thread.scrollTop = thread.scrollHeight;
listen(settings.queue, refreshList);
if (settings.thread) listen(settings.thread, refreshThread);
setInterval(() => { if (!document.hidden) refreshAll(); }, POLL_MS);
