// Owns: the conversation screen. What is typed is kept here until the server has it, over reloads too.
import { ConversationConnection } from "./connection.js";
import { button, h, icon, isBusy, newId, setBusy } from "./dom.js";
import { bearer, request } from "./http.js";
import { quickReplies } from "./quick-replies.js";
import { CaptionPacer } from "./captions.js";

const TURN_CHARS = 4000;
const WARN_AT_SECONDS = [120, 60];
// What can carry a conversation besides typing: name of the transport to what loads the part that does it.
const loadVoice = () => import("./voice.js").then((module) => module.WidgetVoice);
const VOICE = { livekit: loadVoice, browser_audio: loadVoice };

export function drawConversation(panel) {
  return new Conversation(panel);
}

class Conversation {
  #rows = new Map(); // segment id -> row
  #pending = new Map(); // client id -> row of a turn the server may not have
  #questions;
  #progress = null;
  #status = { status: "active", seconds_left: null };
  #statusAt = Date.now();
  #state = "connecting";
  #typingSince = null;
  #warned = new Set();
  #hasSnapshot = false;
  #isLeaving = false;
  #captions = new CaptionPacer((segment) => this.#takeSegment(segment, { isNew: true }), (id) => this.#dropRow(id));

  constructor(panel) {
    this.panel = panel;
    this.shell = panel.shell;
    this.store = this.shell.store; // of the person who talks, whoever is told to be here later
    this.session = this.store.read().session;
    this.#questions = new Map(this.session.questions.map((question) => [question.id, question]));
    this.#draw();
    this.#connect();
    this.clock = setInterval(() => this.#drawClock(), 1000);
    this.shell.visit.write({ isTalking: true, isMine: true });
    this.#offerVoice();
  }

  // --- drawing ------------------------------------------------------------------------------------

  #draw() {
    const t = (key, values) => this.panel.t(key, values);
    this.count = h("span.count");
    this.left = h("span.left");
    this.bar = h("div.track", { role: "progressbar", "aria-valuemin": "0", "aria-label": t("conversation") }, h("div.track__fill"));
    this.list = h("ol.turns");
    this.typing = h("div.typing", { hidden: true, role: "img", "aria-label": t("typing") }, h("span"), h("span"), h("span"));
    this.note = h("p.banner", { role: "status", hidden: true });
    this.scroller = h("div.scroll", { tabindex: "0", role: "region", "aria-label": t("conversation") }, this.list, this.typing);
    this.quick = h("div.quick", { role: "group", "aria-label": t("quick"), hidden: true });
    this.field = h("textarea.field", {
      rows: "1", "aria-label": t("compose"), placeholder: t("compose_hint"), value: this.store.read().draft ?? "", enterkeyhint: "send",
      oninput: () => this.#onInput(), onkeydown: (event) => this.#onKey(event),
    });
    this.sendButton = h("button.send", { type: "submit", "aria-label": t("send"), title: t("send") }, icon("send"));
    this.limit = h("p.limit", { role: "status" });
    this.micPlace = h("span", { hidden: true });
    this.voicePlace = h("div", { hidden: true });
    this.composer = h("form.composer", { onsubmit: (event) => { event.preventDefault(); this.#sendDraft(); } }, this.field, this.micPlace, this.sendButton);
    this.skipButton = button(t("skip"), { kind: "quiet", iconName: "skip", onclick: () => this.#say(t("skip_say")) });
    this.pauseButton = button(t("pause"), { kind: "quiet", iconName: "pause", onclick: () => this.#togglePause() });
    this.doneButton = button(t("done"), { kind: "secondary", iconName: "check", onclick: () => this.#finish() });
    this.pausedCard = h("div.paused", { hidden: true },
      h("p.paused__title", {}, t("paused_title")),
      h("p", {}, t("paused_text", { time: this.panel.time(this.session.expires_at) })),
      button(t("resume"), { kind: "primary", iconName: "play", onclick: () => this.#togglePause() }));
    this.element = h("div.talk", {},
      h("div.status", {}, this.bar, h("div.status__words", {}, this.count, this.left)),
      this.note, this.scroller, this.pausedCard,
      h("div.dock", {}, this.quick, this.voicePlace, this.composer, this.limit, h("div.tools", {}, this.skipButton, this.pauseButton, this.doneButton)));
    this.focus = this.field;
    this.#grow();
  }

  shown() {
    this.#grow();
    this.#scroll();
  }

  #row(role, text) {
    const words = h("p.turn__text", {}, text);
    const row = h(`li.turn.turn--${role === "agent" ? "agent" : "visitor"}`, {},
      h("span.sr-only", {}, `${this.panel.t(role === "agent" ? "agent" : "you")}: `), words);
    return row;
  }

  #meta(row, text) {
    row.querySelector(".turn__meta")?.remove();
    if (text) row.append(h("span.turn__meta", {}, text));
  }

  #scroll() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, 132)}px`;
  }

  #drawProgress() {
    const { answered, total, current_number: number, closed } = this.#progress;
    const isOver = closed || answered >= total;
    this.count.textContent = isOver ? this.panel.t("progress_done", { total }) : this.panel.t("progress", { n: number ?? Math.min(answered + 1, total), total });
    this.bar.setAttribute("aria-valuemax", String(total));
    this.bar.setAttribute("aria-valuenow", String(answered));
    this.bar.setAttribute("aria-valuetext", this.count.textContent);
    this.bar.firstChild.style.inlineSize = `${total ? (answered / total) * 100 : 0}%`;
    this.skipButton.hidden = isOver;
    this.doneButton.classList.toggle("button--primary", isOver);
    this.doneButton.classList.toggle("button--secondary", !isOver);
    if (closed) this.#tell(this.panel.t("closed_hint"), "closed");
  }

  #drawQuick() {
    const question = this.#questions.get(this.#progress?.current);
    const isTheirTurn = this.list.lastElementChild?.classList.contains("turn--agent") && this.typing.hidden;
    const replies = question && isTheirTurn && this.#status.status !== "paused" ? quickReplies(question, this.panel) : [];
    this.quick.hidden = replies.length === 0;
    this.quick.classList.toggle("quick--scale", question?.kind === "rating");
    this.quick.replaceChildren(...replies.map((text) => h("button.chip", { type: "button", onclick: () => this.#say(text) }, text)));
  }

  #secondsLeft() {
    const { status, seconds_left: left } = this.#status;
    if (left === null || left === undefined) return null;
    return Math.max(0, status === "active" ? left - (Date.now() - this.#statusAt) / 1000 : left);
  }

  #drawClock() {
    const seconds = this.#secondsLeft();
    if (seconds === null) return;
    const whole = Math.ceil(seconds);
    const time = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
    const text = this.panel.t("time_left", { time });
    this.left.textContent = this.#status.status === "paused" ? `${text}, ${this.panel.t("time_paused")}` : text;
    this.left.classList.toggle("left--soon", whole <= 120);
    for (const limit of WARN_AT_SECONDS) {
      if (whole > limit || this.#warned.has(limit)) continue;
      this.#warned.add(limit);
      if (whole > limit - 10) this.panel.announce(limit === 60 ? this.panel.t("time_warning_one") : this.panel.t("time_warning", { n: limit / 60 }));
    }
  }

  /** A line above the conversation; `kind` tells whose it is, so that only its owner takes it away. */
  #tell(text, kind) {
    if (!text && this.note.dataset.kind !== kind) return;
    this.note.textContent = text;
    this.note.dataset.kind = kind;
    this.note.hidden = !text;
  }

  // --- what is typed ------------------------------------------------------------------------------

  #onInput() {
    this.#typingSince ??= Date.now();
    this.store.write({ draft: this.field.value });
    const over = this.field.value.length - TURN_CHARS;
    this.limit.textContent = over > 0 ? this.panel.t("too_long", { n: over }) : "";
    this.#grow();
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#sendDraft();
  }

  #sendDraft() {
    const text = this.field.value.trim();
    if (!text || text.length > TURN_CHARS || this.#status.status === "paused") return this.field.focus();
    const typingSeconds = this.#typingSince === null ? undefined : Math.max(0.1, (Date.now() - this.#typingSince) / 1000);
    this.field.value = "";
    this.#typingSince = null;
    this.#onInput();
    this.#typingSince = null;
    this.#say(text, { typingSeconds });
    this.field.focus();
  }

  #say(text, { typingSeconds } = {}) {
    if (this.#status.status === "paused") return;
    const turn = { clientId: newId(), text, typingSeconds };
    this.store.write({ pending: [...(this.store.read().pending ?? []), turn] });
    this.#showPending(turn);
    this.typing.hidden = false;
    this.#drawQuick();
    this.connection.say(text, turn);
    this.#scroll();
  }

  #showPending({ clientId, text }) {
    const row = this.#row("user", text);
    row.classList.add("is-pending");
    this.#meta(row, this.panel.t(this.#state === "reconnecting" ? "not_sent" : "sending"));
    this.#pending.set(clientId, row);
    this.list.append(row);
    this.#scroll();
  }

  #forget(clientId) {
    this.#pending.delete(clientId);
    const rest = (this.store.read().pending ?? []).filter((turn) => turn.clientId !== clientId);
    this.store.write({ pending: rest });
  }

  // --- voice --------------------------------------------------------------------------------------

  async #offerVoice() {
    const load = this.session.transports.map((name) => VOICE[name]).find(Boolean);
    if (!load) return;
    try {
      const WidgetVoice = await load();
      if (!this.element.isConnected) return;
      const path = `${this.shell.base}/session/${this.session.session_id}/voice`;
      this.voice = new WidgetVoice({
        panel: this.panel, connection: this.connection,
        post: (body) => request(path, { method: "POST", headers: bearer(this.session.session_token), body }),
      });
    } catch (error) {
      this.shell.fail("load_failed", `voice could not be loaded: ${error.message}`);
      return;
    }
    this.voice.addEventListener("change", () => {
      this.#captions.isOn = this.voice.isOn;
      if (!this.voice.isOn) this.#captions.flush();
    });
    this.micPlace.replaceWith(this.voice.start);
    this.voicePlace.replaceWith(this.voice.element);
  }

  #dropRow(id) {
    this.#rows.get(id)?.remove();
    this.#rows.delete(id);
  }

  // --- what the server says -----------------------------------------------------------------------

  #connect() {
    this.connection = new ConversationConnection({
      socketUrl: this.session.ws_url,
      baseUrl: `${this.shell.base}/session/${this.session.session_id}`,
      token: this.session.session_token,
      request,
    });
    this.connection.addEventListener("event", ({ detail }) => this.#take(detail));
    this.connection.addEventListener("state", ({ detail }) => this.#onState(detail));
    this.connection.open();
    // Typed before a reload and perhaps never received: the same id again is the same turn.
    for (const turn of this.store.read().pending ?? []) this.connection.say(turn.text, turn);
  }

  #take(event) {
    if (this.voice?.take(event)) return;
    if (event.type === "snapshot") this.#takeSnapshot(event);
    else if (event.type === "transcript") this.#captions.take(event);
    else if (event.type === "progress") this.#takeProgress(event);
    else if (event.type === "session") this.#takeStatus(event);
    else if (event.type === "agent_state") this.#showThinking(event.state === "thinking");
    else if (event.type === "error") this.#takeError(event);
  }

  #takeSnapshot(event) {
    const isFirst = !this.#hasSnapshot;
    this.#hasSnapshot = true;
    this.#captions.flush();
    for (const segment of event.segments) {
      this.#captions.know(segment.segment_id);
      this.#takeSegment(segment, { isNew: false });
    }
    if (isFirst) {
      for (const turn of this.store.read().pending ?? []) if (!this.#pending.has(turn.clientId)) this.#showPending(turn);
      const last = event.segments.at(-1);
      if (last?.role === "agent") this.panel.announce(last.text);
    }
    if (event.progress) this.#takeProgress(event.progress);
    this.#takeStatus(event);
    this.#showThinking(event.agent_state === "thinking" || this.#pending.size > 0);
    if (isFirst && this.#status.status === "paused" && this.#status.pause_cause === "person") this.connection.resume();
    this.#scroll();
  }

  #takeSegment(segment, { isNew }) {
    const row = this.#rows.get(segment.segment_id) ?? this.#pending.get(segment.client_id) ?? this.#row(segment.role, segment.text);
    this.#rows.set(segment.segment_id, row);
    if (segment.position !== undefined) row.dataset.position = segment.position;
    const position = Number(row.dataset.position ?? Infinity);
    row.classList.remove("is-pending");
    row.classList.toggle("is-interim", !segment.final);
    row.querySelector(".turn__text").textContent = segment.text;
    this.#meta(row, "");
    if (segment.client_id) this.#forget(segment.client_id);
    const later = [...this.list.children].find((other) => other !== row && (other.classList.contains("is-pending") || Number(other.dataset.position) > segment.position));
    if (later ? row.nextElementSibling !== later : row !== this.list.lastElementChild) this.list.insertBefore(row, later ?? null);
    if (!segment.final) return this.#scroll();
    const isTold = row.dataset.told === segment.segment_id;
    row.dataset.told = segment.segment_id;
    if (isNew && !isTold) {
      if (segment.role === "agent") {
        this.#showThinking(false);
        this.panel.announce(segment.text);
      }
      this.shell.emit("turn", { session_id: this.session.session_id, role: segment.role, position: segment.position });
    }
    this.#drawQuick();
    this.#scroll();
  }

  #takeProgress(progress) {
    this.#progress = progress;
    this.#drawProgress();
    this.#drawQuick();
  }

  #takeStatus(status) {
    const wasPaused = this.#status.status === "paused";
    // What is drawn away below must not take the focus of the person with it.
    const hadFocus = this.element.contains(this.shell.root.activeElement);
    this.#status = status;
    this.#statusAt = Date.now();
    const isPaused = status.status === "paused";
    this.pausedCard.hidden = !isPaused;
    this.element.classList.toggle("is-paused", isPaused);
    for (const part of [this.scroller, this.composer]) part.inert = isPaused;
    this.voice?.hold(isPaused);
    this.skipButton.disabled = isPaused;
    this.pauseButton.querySelector("span").textContent = this.panel.t(isPaused ? "resume" : "pause");
    this.pauseButton.querySelector("svg").replaceWith(icon(isPaused ? "play" : "pause"));
    if (isPaused && !wasPaused) this.panel.announce(this.panel.t("paused_title"));
    if (wasPaused && !isPaused && hadFocus) this.field.focus();
    this.#drawClock();
    this.#drawQuick();
    if (status.status === "ended") this.#leaveForResult();
  }

  #takeError(event) {
    if (event.client_id && this.#pending.has(event.client_id)) {
      const row = this.#pending.get(event.client_id);
      const text = row.querySelector(".turn__text").textContent;
      row.remove();
      this.#forget(event.client_id);
      this.field.value = [text, this.field.value].filter(Boolean).join("\n");
      this.#onInput();
    }
    this.#showThinking(false);
    this.#tell(event.detail || event.title, "error");
    this.shell.emit("error", { code: event.code, message: event.detail || event.title });
  }

  #showThinking(isThinking) {
    this.typing.hidden = !isThinking;
    this.#drawQuick();
    this.#scroll();
  }

  #onState(state) {
    this.#state = state;
    this.element.dataset.connection = state;
    if (state === "reconnecting") this.#tell(this.panel.t("reconnecting"), "connection");
    else this.#tell("", "connection");
    if (state === "live" || state === "polling") this.#tell("", "error");
    for (const row of this.#pending.values()) this.#meta(row, this.panel.t(state === "reconnecting" ? "not_sent" : "sending"));
    if (state === "ended") this.#leaveForResult();
    if (state === "denied") this.panel.showProblem({ status: 401, code: "denied", message: this.panel.t("problem_denied") });
    if (state === "refused") this.panel.showProblem({ status: 400, code: "misuse", message: this.panel.t("problem_misuse") });
    if (state === "replaced") this.#offerTakeOver();
  }

  async #offerTakeOver() {
    const isHere = await this.panel.confirm({ title: this.panel.t("replaced_title"), text: this.panel.t("replaced_text"), go: this.panel.t("replaced_go"), stay: this.panel.t("close") });
    if (isHere) await this.panel.show("conversation");
    else this.panel.close();
  }

  // --- pause, done --------------------------------------------------------------------------------

  async #togglePause() {
    if (isBusy(this.pauseButton)) return;
    setBusy(this.pauseButton, true);
    const isPaused = this.#status.status === "paused";
    await (isPaused ? this.connection.resume() : this.connection.pause());
    setBusy(this.pauseButton, false);
  }

  async #finish() {
    if (this.#isLeaving) return;
    const open = this.#progress && !this.#progress.closed ? this.#progress.total - this.#progress.answered : 0;
    if (open > 0) {
      const isSure = await this.panel.confirm({
        title: this.panel.t("done_ask"), text: this.panel.tn("done_open", open), go: this.panel.t("done_go"), stay: this.panel.t("done_stay"),
      });
      if (!isSure) return;
    }
    const rest = this.field.value.trim();
    // Words that were typed and not sent belong to the answer.
    if (rest && rest.length <= TURN_CHARS && this.#status.status !== "paused") this.#sendDraft();
    if (this.voice?.isOn) this.voice.call.finishTurn(); // what is being said belongs to the answer
    if (this.#pending.size > 0 || this.element.querySelector(".turn--visitor.is-interim")) await this.#untilSent();
    this.#leaveForResult();
  }

  #untilSent() {
    return new Promise((resolve) => {
      const until = Date.now() + 4000;
      const isSent = () => this.#pending.size === 0 && !this.element.querySelector(".turn--visitor.is-interim");
      const look = () => (isSent() || Date.now() > until ? resolve() : setTimeout(look, 60));
      look();
    });
  }

  #leaveForResult() {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.panel.show("evaluating");
  }

  dispose() {
    clearInterval(this.clock);
    // Closing the panel is no reason to lose time: the clock stops until somebody opens it again.
    if (!this.#isLeaving && this.#status.status === "active" && !this.shell.isInline) this.connection.pause();
    this.voice?.dispose();
    this.connection.close();
  }
}
