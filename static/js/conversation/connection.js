// Owns: keeping one conversation connected. A socket with replay; HTTP where sockets are blocked.
// Knows no page: it dispatches "event" (detail: what the server sent), "audio" (detail: a
// binary frame) and "state" (detail: a word).

const PROTOCOL = "parley.v1";
const ENDED = 1000;
const FINAL_CODES = { 1008: "refused", 4401: "denied", 4409: "replaced" };
const RETRY_MS = [300, 700, 1000, 1500, 2000, 4000, 8000];
const SOCKET_TRIES = 2; // failures to open in a row before HTTP takes over
const KNOWN_SOCKET_TRIES = 7; // where one was open before: the network is away, not the socket forbidden
const PING_MS = 20_000;
const SILENCE_MS = 45_000;
const POLL_SECONDS = 20;
const AUDIO_BACKLOG = 64_000; // bytes the line may be behind with sound
const PROBE_MS = 30_000; // while polling: how often a socket is tried again

/**
 * States: connecting, live (socket), polling (HTTP), reconnecting, ended, replaced (another tab took
 * over), denied (the token no longer counts), refused (a mistake of this client), closed (by close()).
 */
export class ConversationConnection extends EventTarget {
  #socket = null;
  #seq = null;
  #failures = 0;
  #hasBeenOpen = false;
  #waiting = new Map(); // client_id -> turn not yet seen in the transcript
  #timers = { retry: 0, ping: 0 };
  #heardAt = 0;
  #poll = null;

  /**
   * @param {{socketUrl: string, baseUrl: string, token: string, request: Function}} options
   *   socketUrl and baseUrl (".../session/<id>") of the conversation; request: like js/http.js
   */
  constructor({ socketUrl, baseUrl, token, request }) {
    super();
    Object.assign(this, { socketUrl, baseUrl, token, request });
    this.state = "closed";
  }

  /** Connect; call once. */
  open() {
    this.#setState("connecting");
    this.#openSocket();
  }

  /**
   * Say something. It is sent again after every interruption until the server has it.
   * clientId: of a turn kept over a reload, or where randomUUID is missing (pages without TLS).
   */
  say(text, { typingSeconds, clientId = crypto.randomUUID() } = {}) {
    const turn = { client_id: clientId, text };
    if (typingSeconds !== undefined) turn.typing_seconds = Math.round(typingSeconds * 10) / 10;
    this.#waiting.set(turn.client_id, turn);
    this.#deliver(turn);
    return turn.client_id;
  }

  pause() { return this.#control("pause"); }
  resume() { return this.#control("resume"); }

  /** Whether a socket is open: voice needs one. */
  get isSocketOpen() { return this.#socket?.readyState === WebSocket.OPEN; }

  /** Send a frame of sound; what the line cannot carry now is lost, since late sound is no use. */
  sendAudio(buffer) {
    if (!this.isSocketOpen || this.#socket.bufferedAmount > AUDIO_BACKLOG) return false;
    this.#socket.send(buffer);
    return true;
  }

  /** Send a message about voice (mute, playback, interrupt, done_speaking), if a socket is open. */
  signal(message) { return this.#send(message); }

  /** Leave without ending the conversation: it can be joined again with the same token. */
  close() {
    this.#stop("closed");
  }

  // --- socket -----------------------------------------------------------------------------------

  #openSocket() {
    const address = this.#seq === null ? this.socketUrl : `${this.socketUrl}?after=${this.#seq}`;
    let socket;
    try {
      socket = new WebSocket(address, [PROTOCOL, `bearer.${this.token}`]);
      socket.binaryType = "arraybuffer";
    } catch {
      if (!this.#poll) this.#startPolling(); // a page's policy forbids the address
      return;
    }
    let isOpen = false;
    this.#socket = socket;
    socket.addEventListener("open", () => {
      isOpen = true;
      this.#failures = 0;
      this.#hasBeenOpen = true;
      this.#poll?.abort();
      this.#poll = null;
      this.#heardAt = Date.now();
      this.#timers.ping = setInterval(() => this.#keepAlive(), PING_MS);
    });
    socket.addEventListener("message", ({ data }) => {
      this.#heardAt = Date.now();
      if (typeof data === "string") this.#take(JSON.parse(data));
      else this.dispatchEvent(new CustomEvent("audio", { detail: data }));
    });
    const lose = (code) => {
      clearInterval(this.#timers.ping);
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (code === ENDED) this.#stop("ended");
      else if (code in FINAL_CODES) this.#stop(FINAL_CODES[code]);
      else this.#retry(isOpen);
    };
    socket.addEventListener("close", ({ code }) => lose(code));
    // Chromium closes a socket its page's policy forbids without a close event.
    socket.addEventListener("error", () => lose(1006));
  }

  #retry(wasOpen) {
    if (!wasOpen) this.#failures += 1;
    if (this.#poll || this.#failures >= (this.#hasBeenOpen ? KNOWN_SOCKET_TRIES : SOCKET_TRIES)) {
      if (!this.#poll) this.#startPolling();
      this.#timers.retry = setTimeout(() => this.#openSocket(), PROBE_MS);
      return;
    }
    this.#setState("reconnecting");
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#timers.retry = setTimeout(() => this.#openSocket(), wait * (0.7 + Math.random() * 0.6));
  }

  #keepAlive() {
    if (Date.now() - this.#heardAt > SILENCE_MS) {
      const silent = this.#socket;
      this.#socket = null;
      clearInterval(this.#timers.ping);
      silent.close();
      this.#retry(true);
    } else {
      this.#send({ type: "ping" });
    }
  }

  #send(message) {
    if (!this.#socket || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  // --- HTTP -------------------------------------------------------------------------------------

  #http(path, options = {}) {
    const headers = { Authorization: `Bearer ${this.token}` };
    return this.request(`${this.baseUrl}${path}`, { ...options, headers });
  }

  async #startPolling() {
    const poll = new AbortController();
    this.#poll = poll;
    let failures = 0;
    let joined = false;
    while (!poll.signal.aborted) {
      try {
        if (!joined) {
          this.#take({ ...(await this.#http("/join", { method: "POST", signal: poll.signal })), type: "snapshot" });
          joined = true;
        }
        this.#setState("polling");
        const query = `/events?after=${this.#seq ?? 0}&wait=${POLL_SECONDS}`;
        const page = await this.#http(query, { signal: poll.signal });
        failures = 0;
        for (const event of page.events) this.#take(event);
        if (page.status === "ended") this.#stop("ended");
      } catch (error) {
        if (error.name === "AbortError") return;
        if (error.code === "session_ended") this.#stop("ended");
        else if (error.status === 401 || error.status === 404 || error.status === 410) this.#stop("denied");
        else if (error.status === 403) this.#stop("refused");
        else {
          joined = false; // time may have stopped meanwhile: joining starts it again
          this.#setState("reconnecting");
          const wait = (error.retryAfterSeconds ?? 0) * 1000 || RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)];
          await new Promise((resolve) => setTimeout(resolve, wait));
        }
      }
    }
  }

  async #control(action) {
    if (this.#send({ type: action })) return;
    try {
      this.#take({ seq: null, type: "session", ...(await this.#http(`/${action}`, { method: "POST" })) });
    } catch (error) {
      this.#report(error);
    }
  }

  // --- both -------------------------------------------------------------------------------------

  async #deliver(turn) {
    if (this.#send({ type: "say", ...turn }) || this.#poll === null) return;
    try {
      const answer = await this.#http("/turns", { method: "POST", body: turn });
      for (const segment of answer.segments) this.#take({ seq: null, type: "transcript", ...segment });
      if (answer.progress) this.#take({ seq: null, type: "progress", ...answer.progress });
    } catch (error) {
      if (error.status === 0 || error.status >= 500) setTimeout(() => this.#redeliver(turn), RETRY_MS[2]);
      else this.#report(error, turn.client_id);
    }
  }

  #redeliver(turn) {
    if (this.#waiting.has(turn.client_id)) this.#deliver(turn);
  }

  #report(error, clientId = null) {
    this.#take({
      seq: null, type: "error", code: error.code ?? "network_error", title: error.title || error.message,
      detail: error.detail || error.message, client_id: clientId,
    });
  }

  #take(event) {
    if (event.type === "snapshot") this.#seq = Math.max(this.#seq ?? 0, event.seq);
    else if (event.seq !== null) {
      if (this.#seq !== null && event.seq <= this.#seq) return; // seen before
      this.#seq = event.seq;
    }
    if (event.type === "transcript" && event.client_id) this.#waiting.delete(event.client_id);
    if (event.type === "error" && event.client_id) this.#waiting.delete(event.client_id);
    if (event.type === "snapshot") {
      for (const segment of event.segments) this.#waiting.delete(segment.client_id);
    }
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
    if (event.type === "snapshot") {
      if (this.#socket) this.#setState("live");
      for (const turn of this.#waiting.values()) this.#deliver(turn);
    }
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  #stop(state) {
    clearTimeout(this.#timers.retry);
    clearInterval(this.#timers.ping);
    this.#poll?.abort();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#setState(state);
  }
}
