// Owns: drawing a conversation into an <ol class="chat">. What people and agents say is only ever text.

const ROLE_CLASS = { agent: "agent", user: "visitor" };

const ENGLISH = { interrupted: "interrupted", after: (seconds) => `after ${seconds} s`, sending: "sending…", locale: "en" };

/** Rows by segment id; a turn on its way stands there by its client id until the server has it. */
export class TranscriptView {
  #rows = new Map();
  #labels;
  spokenLanguage = ""; // of what is said, where that is not the page's

  /**
   * @param {HTMLElement} list the <ol>
   * @param {{agent: string, user: string, interrupted?: string, after?: (seconds: string) => string, sending?: string, locale?: string}} labels
   *   names of the two, and the notes below a turn where they are not to be English
   */
  constructor(list, labels) {
    this.list = list;
    this.scroller = list.closest("[role=log]") ?? list;
    this.#labels = { ...ENGLISH, ...labels };
  }

  /** Show a segment, in its place, once. */
  show(segment) {
    const row = this.#rows.get(segment.segment_id) ?? this.#adopt(segment) ?? this.#build(segment.role);
    this.#rows.set(segment.segment_id, row);
    row.dataset.turn = segment.segment_id;
    if (segment.position !== undefined) row.dataset.position = segment.position;
    row.classList.toggle("is-interim", !segment.final);
    row.querySelector(".chat__text").textContent = segment.text;
    this.#note(row, this.#noteOf(segment));
    this.#place(row, Number(row.dataset.position ?? Infinity));
  }

  /** Take words off the page that turned out to be none. */
  remove(segmentId) {
    this.#rows.get(segmentId)?.remove();
    this.#rows.delete(segmentId);
  }

  /** Show a turn before the server has it. */
  showPending(clientId, text) {
    const row = this.#build("user");
    row.dataset.client = clientId;
    row.classList.add("is-interim");
    row.querySelector(".chat__text").textContent = text;
    this.#note(row, this.#labels.sending);
    this.list.append(row);
    this.#scroll();
  }

  /** Take back a turn the server refused; returns its words. */
  takeBack(clientId) {
    const row = this.#pending(clientId);
    if (!row) return "";
    row.remove();
    return row.querySelector(".chat__text").textContent;
  }

  clear() {
    this.#rows.clear();
    this.list.replaceChildren();
  }

  /** What stands below a turn: that it was cut, how long the agent took. */
  #noteOf({ final, interrupted, role, latency_ms: latency }) {
    const notes = [];
    if (interrupted) notes.push(this.#labels.interrupted);
    if (final && role === "agent" && Number.isFinite(latency)) {
      const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false };
      notes.push(this.#labels.after((latency / 1000).toLocaleString(this.#labels.locale, digits)));
    }
    return notes.join(", ");
  }

  #pending(clientId) {
    return clientId ? this.list.querySelector(`[data-client="${CSS.escape(clientId)}"]`) : null;
  }

  #adopt(segment) {
    const row = this.#pending(segment.client_id);
    row?.removeAttribute("data-client");
    return row;
  }

  #build(role) {
    const row = document.createElement("li");
    row.className = `chat__turn chat__turn--${ROLE_CLASS[role] ?? "system"}`;
    const who = document.createElement("span");
    who.className = "chat__who";
    who.textContent = this.#labels[role] ?? "";
    const text = document.createElement("p");
    text.className = "chat__text";
    if (this.spokenLanguage) text.lang = this.spokenLanguage;
    row.append(who, text);
    return row;
  }

  #note(row, words) {
    row.querySelector(".chat__meta")?.remove();
    if (!words) return;
    const meta = document.createElement("span");
    meta.className = "chat__meta";
    meta.textContent = words;
    row.append(meta);
  }

  #place(row, position) {
    const later = [...this.list.children].find(
      (other) => other !== row && (other.dataset.client || Number(other.dataset.position) > position),
    );
    if (later ? row.nextElementSibling !== later : row !== this.list.lastElementChild) {
      this.list.insertBefore(row, later ?? null);
    }
    this.#scroll();
  }

  #scroll() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}
