// Owns: voice in one conversation, by browser audio or a room: starting, muting, changing devices,
// ending. Knows a connection and addresses, no page: it dispatches "state" (detail: off, starting, on),
// "level" (detail: 0 to 1), "playing" (detail: boolean), "blocked" (the browser waits for a press before it
// makes a sound), "devices" and "problem" (detail: {code, message}).

import { Microphone, MicrophoneError, findObstacle } from "./microphone.js";
import { Player } from "./player.js";

export { MicrophoneError, findObstacle };

export class Call extends EventTarget {
  #connection;
  #post;
  #urls;
  #context = null;
  #microphone = null;
  #player = null;
  #room = null;
  #isMuted = false;
  #isHeld = false;
  #listeners = [];
  #wasLive = true;

  /**
   * @param {object} options
   *   connection: ConversationConnection; post(body): POST …/voice, answers with its JSON;
   *   urls: {worklet, room (module of rooms), client (livekit-client)}
   */
  constructor({ connection, post, urls }) {
    super();
    this.#connection = connection;
    this.#post = post;
    this.#urls = urls;
    this.state = "off";
  }

  get isMuted() { return this.#isMuted; }

  get deviceId() { return this.#microphone?.deviceId ?? ""; }

  /**
   * Begin to speak. Call it where the person pressed something, or the browser may keep quiet.
   * @param {{deviceId?: string, transport?: string}} options
   * @throws {MicrophoneError|Error} nothing is left open then
   */
  async start({ deviceId = "", transport = "auto" } = {}) {
    if (this.state !== "off") return;
    this.#setState("starting");
    try {
      // Made in the press itself, before anything is waited for: else Safari leaves it silent.
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#context.addEventListener("statechange", () => this.#lookBlocked());
      await this.#openMicrophone(deviceId);
      const way = await this.#post({ transport });
      if (way.transport === "typing") throw new MicrophoneError("voice_unavailable");
      if (way.transport === "livekit") await this.#enterRoom(way);
      else this.#carryAudio();
      this.#setState("on");
      this.#lookBlocked();
    } catch (error) {
      this.#release();
      this.#setState("off");
      throw error;
    }
  }

  /** Hear nothing while the conversation is paused; muting stays as it was. */
  hold(isHeld) {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    this.#microphone?.mute(this.#isMuted || isHeld);
    this.#room?.mute(this.#isMuted || isHeld);
  }

  mute(isMuted) {
    this.#isMuted = isMuted;
    this.#microphone?.mute(isMuted || this.#isHeld);
    this.#room?.mute(isMuted || this.#isHeld);
    if (this.state === "on" && !this.#room) this.#connection.signal({ type: "mute", muted: isMuted });
  }

  async useDevice(deviceId) {
    await this.#microphone?.open(deviceId);
    await this.#room?.useDevice(deviceId);
  }

  /** Stop the agent's sentence. */
  interrupt() {
    this.#connection.signal({ type: "interrupt" });
  }

  /** Take what was said as the whole turn, without waiting for a pause. */
  finishTurn() {
    this.#connection.signal({ type: "done_speaking" });
  }

  /** Make sound after the browser refused to: call it in a press. */
  async unblock() {
    await this.#context?.resume();
    await this.#room?.unblock();
    this.#lookBlocked();
  }

  /** Go on by typing: the microphone is let go and the agent falls silent. */
  async stop() {
    if (this.state === "off") return;
    this.close();
    await this.#post({ transport: "typing" });
  }

  /** Let go of everything here; the conversation itself goes on. */
  close() {
    this.#release();
    this.#setState("off");
  }

  // --- microphone ---------------------------------------------------------------------------------

  async #openMicrophone(deviceId) {
    this.#microphone = new Microphone(this.#context, this.#urls.worklet);
    this.#microphone.addEventListener("level", ({ detail }) => this.#tell("level", detail));
    this.#microphone.addEventListener("devices", () => this.#tell("devices"));
    this.#microphone.addEventListener("lost", () => this.#onLost());
    this.#microphone.mute(this.#isMuted);
    await this.#microphone.open(deviceId);
  }

  async #onLost() {
    try {
      await this.#microphone?.open();
    } catch (error) {
      this.#tell("problem", { code: error.code ?? "microphone_missing" });
    }
  }

  // --- browser audio ------------------------------------------------------------------------------

  #carryAudio() {
    this.#player = new Player(this.#context);
    this.#player.addEventListener("playing", ({ detail }) => this.#tell("playing", detail));
    this.#player.addEventListener("playback", ({ detail: { segment, playedMs, interrupted } }) => {
      this.#connection.signal({ type: "playback", segment_id: String(segment), played_ms: playedMs, interrupted });
    });
    this.#listen(this.#microphone, "frame", ({ detail }) => {
      if (!this.#isMuted && !this.#isHeld) this.#connection.sendAudio(detail);
    });
    this.#listen(this.#connection, "audio", ({ detail }) => this.#player.take(detail));
    this.#listen(this.#connection, "event", ({ detail }) => this.#take(detail));
    this.#listen(this.#connection, "state", ({ detail }) => this.#onConnection(detail));
    // Said even when the microphone is on: it brings the agent whose greeting is to be heard.
    this.#connection.signal({ type: "mute", muted: this.#isMuted });
  }

  #take(event) {
    if (event.type === "audio_clear") this.#player.clear(event.generation);
    else if (event.type === "audio_end") this.#player.end(event.segment);
    else if (event.type === "speech" && event.role === "user") {
      if (event.speaking) this.#player.duck();
      else this.#player.restore();
    }
  }

  #onConnection(state) {
    if (state === "live" && !this.#wasLive) {
      // Before any sound of ours: the server goes on from where this page had heard it.
      this.#player.rewind();
      this.#connection.signal({ type: "mute", muted: this.#isMuted });
    }
    this.#wasLive = state === "live";
    if (state === "polling") this.#tell("problem", { code: "voice_needs_socket" });
    if (["ended", "denied", "refused", "replaced", "closed"].includes(state)) this.close();
  }

  // --- room ---------------------------------------------------------------------------------------

  async #enterRoom(way) {
    const { RoomCall } = await import(this.#urls.room);
    this.#room = new RoomCall(this.#urls.client);
    this.#listen(this.#room, "playing", ({ detail }) => this.#tell("playing", detail));
    this.#listen(this.#room, "problem", ({ detail }) => this.#tell("problem", detail));
    this.#listen(this.#room, "blocked", () => this.#tell("blocked", this.#room.isBlocked));
    this.#listen(this.#connection, "state", ({ detail }) => {
      if (["ended", "denied", "closed"].includes(detail)) this.close();
    });
    await this.#room.join(way.livekit_url, way.livekit_token, { deviceId: this.deviceId, isMuted: this.#isMuted });
  }

  // --- both ---------------------------------------------------------------------------------------

  #listen(target, name, listener) {
    target.addEventListener(name, listener);
    this.#listeners.push(() => target.removeEventListener(name, listener));
  }

  #lookBlocked() {
    if (this.state !== "on" || !this.#context) return;
    this.#tell("blocked", this.#context.state === "suspended" || Boolean(this.#room?.isBlocked));
  }

  #tell(name, detail = undefined) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #release() {
    for (const stop of this.#listeners.splice(0)) stop();
    this.#room?.leave();
    this.#player?.close();
    this.#microphone?.close();
    if (this.#context?.state !== "closed") this.#context?.close();
    this.#room = this.#player = this.#microphone = this.#context = null;
    this.#wasLive = true;
    this.#tell("level", 0);
    this.#tell("playing", false);
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", state);
  }
}
