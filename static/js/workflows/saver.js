// Owns: getting edits to the server: debounced, one request at a time, in the order they were made,
// again until it works. Knows the API and the outbox, no page.

import { request, ProblemError } from "../http.js";
import { newId } from "./outbox.js";
import { changeBetween, copyOf, isSame, mergeThree, progressOf } from "./progress.js";

const DEBOUNCE_MS = 800;
const TYPING_MS = 3000; // somebody who types without a pause is saved this often
const MAX_WAIT_MS = 30_000;
const KEEPALIVE_MAX_CHARS = 60_000;

/**
 * @typedef {"saved" | "waiting" | "saving" | "offline" | "refused" | "signed-out" | "over"} SaveStatus
 */
export class ProgressSaver {
  /**
   * @param {object} options
   * @param {string} options.url of the run
   * @param {object} options.state newest state of the API
   * @param {object} options.outbox
   * @param {(progress: object, about: {clashes: number[], isForeign: boolean}) => void} options.onProgress
   *   something came from elsewhere
   * @param {(state: object) => void} options.onState the server said where the run stands
   * @param {(status: SaveStatus, detail: string) => void} options.onStatus
   */
  constructor({ url, state, outbox, onProgress, onState, onStatus }) {
    Object.assign(this, { url, outbox, onProgress, onState, onStatus });
    this.state = state;
    this.base = progressOf(state);
    this.mine = copyOf(this.base);
    this.timer = null;
    this.inFlight = null;
    this.failures = 0;
    this.operation = null; // {id, text}: the same change sent again keeps its id
    this.status = "saved";
  }

  /** Put edits of an earlier life of the page upon what the server has. */
  recover(entries) {
    const clashes = [];
    for (const entry of entries) {
      const put = mergeThree(entry.base, entry.mine, this.mine);
      this.mine = put.merged;
      clashes.push(...put.clashes);
    }
    if (isSame(this.base, this.mine)) {
      this.outbox.clear();
      return;
    }
    this.onProgress(this.mine, { clashes, isForeign: false });
    this.schedule(0);
  }

  /** Take an edit; it is on its way shortly, and safe in this browser at once. */
  edit(progress) {
    if (this.status === "over") return;
    this.mine = progress;
    this.keep();
    if (this.status === "signed-out") return;
    if (!isSame(this.base, this.mine) && this.status !== "offline") this.tell("waiting");
    this.unsavedSince ??= Date.now();
    const left = this.unsavedSince + TYPING_MS - Date.now();
    this.schedule(Math.max(0, Math.min(DEBOUNCE_MS, left)));
  }

  /** Send what is unsaved now and wait until it is there. @returns {Promise<boolean>} all is saved */
  async flush() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.inFlight) await this.inFlight;
    for (let turn = 0; turn < 5 && !isSame(this.base, this.mine); turn += 1) {
      await this.send();
      if (["offline", "refused", "signed-out", "over"].includes(this.status)) break;
    }
    return isSame(this.base, this.mine);
  }

  /** Try again at once: the connection is back, or somebody looks at the page again. */
  retryNow() {
    if (isSame(this.base, this.mine) || this.inFlight || this.status === "over") return;
    this.failures = 0;
    this.schedule(0);
  }

  /** The page goes away: hand the browser the last change. What does not arrive is in the outbox. */
  leave() {
    if (this.inFlight || isSame(this.base, this.mine) || this.status === "over") return;
    const body = this.nextBody();
    if (JSON.stringify(body).length < KEEPALIVE_MAX_CHARS) {
      // No answer is waited for; the same operation id makes a second sending harmless.
      request(`${this.url}/progress`, { method: "PUT", body, keepalive: true }).catch(() => {});
    }
  }

  /** Take a state that came by another way: a heartbeat, another tab. */
  adopt(state) {
    if (state.rev < this.state.rev) return;
    if (this.inFlight) {
      if (state.rev > this.state.rev) return; // the answer under way, or its refusal, brings it
      this.onState(state);
      return;
    }
    const isNew = state.rev > this.state.rev;
    this.state = state;
    if (isNew) this.rebase(this.base, progressOf(state), true);
    this.onState(state);
  }

  schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), delay);
  }

  async send() {
    this.unsavedSince = null;
    clearTimeout(this.timer);
    this.timer = null;
    if (this.inFlight) return this.inFlight;
    if (isSame(this.base, this.mine)) {
      this.outbox.clear();
      this.tell("saved");
      return null;
    }
    this.inFlight = this.sendOnce();
    try {
      await this.inFlight;
    } finally {
      this.inFlight = null;
    }
    if (!isSame(this.base, this.mine) && this.timer === null && this.mayGoOn()) {
      this.schedule(this.waitMs());
    }
    return null;
  }

  async sendOnce() {
    const sent = copyOf(this.mine);
    this.tell("saving");
    try {
      const answer = await request(`${this.url}/progress`, { method: "PUT", body: this.nextBody() });
      this.operation = null;
      this.failures = 0;
      this.state = answer;
      // What was sent is what both sides share now; edits made meanwhile stay on top.
      this.rebase(sent, progressOf(answer), false);
      this.onState(answer);
      this.tell(isSame(this.base, this.mine) ? "saved" : "waiting");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.meet(error);
    }
    this.keep();
  }

  meet(problem) {
    const newest = problem.body?.execution;
    if (problem.status === 409 && newest) {
      this.operation = null;
      this.state = newest;
      const isOver = problem.code === "execution_ended";
      this.rebase(this.base, progressOf(newest), true);
      this.onState(newest);
      if (isOver) this.tell("over", problem.message);
      else this.tell(isSame(this.base, this.mine) ? "saved" : "waiting");
      return;
    }
    if (problem.status === 401 || problem.status === 403) {
      this.tell("signed-out", problem.message);
      return;
    }
    if (problem.status >= 400 && problem.status < 500 && ![408, 425, 429].includes(problem.status)) {
      this.operation = null;
      this.tell("refused", problem.message);
      return;
    }
    this.failures += 1;
    this.retryAfterMs = (problem.retryAfterSeconds ?? 0) * 1000;
    this.tell("offline", problem.message);
  }

  /** Make `theirs` the new common ground and put own edits, counted from `ground`, upon it. */
  rebase(ground, theirs, isForeign) {
    const { merged, clashes } = mergeThree(ground, this.mine, theirs);
    const hasNews = !isSame(merged, this.mine);
    this.base = theirs;
    this.mine = merged;
    this.keep();
    if (hasNews) this.onProgress(merged, { clashes, isForeign });
  }

  nextBody() {
    const change = { rev: this.state.rev, ...changeBetween(this.base, this.mine) };
    const text = JSON.stringify(change);
    if (this.operation?.text !== text) this.operation = { id: newId(), text };
    return { ...change, client_op_id: this.operation.id };
  }

  keep() {
    if (isSame(this.base, this.mine)) this.outbox.clear();
    else this.isKept = this.outbox.keep({ base: this.base, mine: this.mine });
  }

  mayGoOn() {
    return !["refused", "signed-out", "over"].includes(this.status);
  }

  waitMs() {
    if (this.failures === 0) return this.status === "waiting" ? DEBOUNCE_MS : 0;
    const grown = Math.min(MAX_WAIT_MS, 1000 * 2 ** (this.failures - 1));
    return Math.max(this.retryAfterMs ?? 0, grown * (0.75 + Math.random() / 2));
  }

  tell(status, detail = "") {
    this.status = status;
    this.onStatus(status, detail);
  }
}
