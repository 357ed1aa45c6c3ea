// Owns: the phone on the simulator's page. Draws what the server says the phone shows; all text is text.
import { request } from "../http.js";
import { appendMarked } from "./markup.js";

const POLL_MS = 800;
const HIDDEN_POLL_MS = 4000;
const TICKS = { accepted: "…", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };

const { base } = JSON.parse(document.getElementById("simulator-settings").textContent);
const first = JSON.parse(document.getElementById("simulator-feed").textContent);
const chat = document.querySelector("[data-phone-chat]");
const hint = document.querySelector("[data-phone-empty]");
const form = document.querySelector("[data-phone-form]");
const field = form.elements.text;
const problem = document.querySelector("[data-phone-problem]");
const trace = document.querySelector("[data-phone-trace]");
const inboxLink = document.querySelector("[data-phone-inbox]");
const state = document.querySelector("[data-phone-state]");
const drawn = new Map(); // message id -> JSON it was drawn from

function el(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function complain(error) {
  problem.textContent = error ? error.message : "";
  problem.hidden = !error;
}

async function send(type, fields) {
  complain(null);
  try {
    await request(`${base}messages/`, { method: "POST", body: { type, fields } });
    await refresh();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

function drawChoice(message, reply, type) {
  const button = el("button", "bubble__choice", reply.title);
  button.type = "button";
  button.addEventListener("click", () =>
    send(type, { id: reply.id, title: reply.title, context_id: message.id }));
  return button;
}

function drawList(message) {
  const details = el("details", "bubble__list");
  details.append(el("summary", "bubble__choice", message.list.button));
  for (const section of message.list.sections) {
    if (section.title) details.append(el("p", "bubble__section small", section.title));
    for (const row of section.rows) {
      const button = drawChoice(message, row, "list_reply");
      if (row.description) button.append(el("span", "bubble__row small", row.description));
      details.append(button);
    }
  }
  return details;
}

function drawMedia(message) {
  const address = `${base}media/${encodeURIComponent(message.id)}/`;
  if (message.media === "file") {
    const link = el("a", "bubble__choice", message.header || "File");
    link.href = address;
    return link;
  }
  const node = document.createElement({ image: "img", audio: "audio", video: "video" }[message.media]);
  node.className = "bubble__media";
  if (message.media === "image") {
    node.alt = message.text || "Picture";
    node.addEventListener("load", () => { if (isAtEnd()) toEnd(); });
  } else node.controls = true;
  node.src = address;
  return node;
}

const isAtEnd = () => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 400;
const toEnd = () => { chat.scrollTop = chat.scrollHeight; };

function draw(message) {
  const item = el("li", `bubble ${message.mine ? "bubble--mine" : "bubble--theirs"}`);
  item.dataset.message = message.id;
  if (message.media) item.append(drawMedia(message));
  if (message.header && message.media !== "file") item.append(el("strong", "bubble__header", message.header));
  if (message.text) item.append(appendMarked(el("p", "bubble__text"), message.text));
  if (message.footer) item.append(el("p", "bubble__footer small", message.footer));
  for (const reply of message.buttons) item.append(drawChoice(message, reply, "button_reply"));
  if (message.list) item.append(drawList(message));
  if (message.link) {
    const link = el("a", "bubble__choice", message.link.title);
    if (/^https?:/.test(message.link.url)) link.href = message.link.url;
    link.target = "_blank";
    link.rel = "noopener";
    item.append(link);
  }
  if (message.asks_location) {
    const button = el("button", "bubble__choice", "Share location");
    button.type = "button";
    button.addEventListener("click", () => shareLocation());
    item.append(button);
  }
  const meta = el("span", "bubble__meta");
  const time = new Date(message.at);
  meta.append(el("time", "", time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })));
  if (message.mine) {
    const tick = el("span", message.status === "read" ? "bubble__tick is-read" : "bubble__tick", TICKS[message.status] ?? "");
    tick.setAttribute("aria-label", message.status);
    tick.setAttribute("role", "img");
    meta.append(tick);
  }
  item.append(meta);
  return item;
}

function show(feed) {
  const isAtEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 80;
  let hasNew = false;
  for (const message of feed.messages) {
    const key = JSON.stringify(message);
    if (drawn.get(message.id) === key) continue;
    const item = draw(message);
    const old = chat.querySelector(`[data-message="${CSS.escape(message.id)}"]`);
    if (old) old.replaceWith(item);
    else {
      chat.append(item);
      hasNew = true;
    }
    drawn.set(message.id, key);
  }
  hint.hidden = feed.messages.length > 0;
  if (hasNew && (isAtEnd || drawn.size <= feed.messages.length)) chat.scrollTop = chat.scrollHeight;
  showTrace(feed);
}

function showTrace({ conversation, trace: turns, is_typing: isTyping }) {
  if (conversation) {
    inboxLink.href = `/inbox/${conversation.id}/`;
    inboxLink.hidden = false;
    state.textContent = isTyping ? "typing…" : { agent: "online", waiting: "a person will answer", operator: "a person answers" }[conversation.mode];
  }
  if (!turns.length) return;
  trace.replaceChildren(...turns.map((turn) => {
    const item = el("li", "trace__turn small");
    item.append(el("strong", "", turn.is_success ? `${turn.lane || "no lane"} · ${turn.intent || "kept"}` : "failed, will be tried again"));
    item.append(el("span", "muted", ` ${turn.source || "–"} ${Math.round(turn.confidence * 100)} %, ${turn.milliseconds} ms`));
    return item;
  }));
}

let timer = 0;
async function refresh() {
  clearTimeout(timer);
  try {
    const feed = await request(`${base}feed/`);
    show(feed);
    const isUnread = feed.messages.some((one) => !one.mine && (one.status === "delivered" || one.status === "accepted" || one.status === "sent"));
    if (isUnread && !document.hidden) await request(`${base}read/`, { method: "POST", body: {} });
  } catch (error) {
    complain(error);
  }
  timer = setTimeout(refresh, document.hidden ? HIDDEN_POLL_MS : POLL_MS);
}

function shareLocation() {
  return send("location", { latitude: 19.4326, longitude: -99.1332, text: "Zócalo, Ciudad de México" });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  if (!(await send("text", { text }))) field.value = text; // nothing typed is lost
  field.focus();
});

field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

const SENDERS = {
  location: shareLocation,
  voice: () => send("audio", { media_key: "none", mime_type: "audio/ogg" }),
  sticker: () => send("sticker", { media_key: "none", mime_type: "image/webp" }),
  unsupported: () => send("unsupported", {}),
};
for (const button of document.querySelectorAll("[data-phone-send]")) {
  button.addEventListener("click", () => {
    button.closest("details").open = false;
    SENDERS[button.dataset.phoneSend]();
  });
}

document.querySelector("[data-phone-file]").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  target.closest("details").open = false;
  const body = new FormData();
  body.append("file", file);
  complain(null);
  try {
    await request(`${base}files/`, { method: "POST", body });
    await refresh();
  } catch (error) {
    complain(error);
  }
  target.value = "";
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
show(first);
chat.scrollTop = chat.scrollHeight;
refresh();
