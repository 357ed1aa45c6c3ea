// Owns: the voice controls of the chat page: on and off, microphone, level, mute, what went wrong.

import { Call, findObstacle } from "./call.js";
import { listMicrophones } from "./microphone.js";
import { say, sayChoice, sayServed } from "../texts.js";

const DEVICE_STORE = "parley.microphone";
// After these the agent is gone and the microphone need not stay open.
const ENDING_CODES = new Set(["speech_unavailable", "voice_elsewhere", "voice_not_loaded", "voice_busy", "voice_failed", "voice_not_on", "voice_running", "voice_engine", "room_unreachable"]);

export class ChatVoice extends EventTarget {
  #call = null;
  #parts;
  #urls;

  /** @param {HTMLElement} root the element of the controls; @param {object} urls see Call */
  constructor(root, urls) {
    super();
    const part = (name) => root.querySelector(`[data-voice-${name}]`);
    this.root = root;
    this.#urls = urls;
    this.#parts = Object.fromEntries(
      ["on", "off", "mute", "skip", "finish", "unblock", "device", "devices", "meter", "words", "problem", "live"].map((name) => [name, part(name)]),
    );
    const { on, off, mute, skip, finish, unblock, device } = this.#parts;
    on.addEventListener("click", () => this.start());
    off.addEventListener("click", () => this.#turnOff());
    mute.addEventListener("click", () => this.#toggleMute());
    skip.addEventListener("click", () => this.#call?.interrupt());
    finish.addEventListener("click", () => this.#call?.finishTurn());
    unblock.addEventListener("click", () => this.#call?.unblock());
    device.addEventListener("change", () => this.#useDevice(device.value));
  }

  get isOn() { return this.#call !== null && this.#call.state !== "off"; }

  /** Take the conversation these controls are for. */
  join({ connection, post, transports }) {
    this.leave();
    this.#call = new Call({ connection, post, urls: this.#urls });
    this.#call.addEventListener("state", () => this.#draw());
    this.#call.addEventListener("level", ({ detail }) => { this.#parts.meter.value = detail; });
    this.#call.addEventListener("playing", ({ detail }) => { this.root.dataset.playing = String(detail); });
    this.#call.addEventListener("blocked", ({ detail }) => { this.#parts.unblock.hidden = !detail; });
    this.#call.addEventListener("devices", () => this.#listDevices());
    this.#call.addEventListener("problem", ({ detail }) => this.#tell(sayChoice("problem", detail.code, "")));
    this.root.hidden = !transports.some((name) => name !== "typing");
    this.#tell("");
    this.#draw();
  }

  leave() {
    this.#call?.close();
    this.#call = null;
    this.root.hidden = true;
  }

  /** Switch voice on; tells what went wrong instead of throwing. */
  async start({ transport = "auto" } = {}) {
    const obstacle = findObstacle();
    if (obstacle) return this.#tell(say(`problem_${obstacle}`));
    this.#tell("");
    try {
      await this.#call.start({ deviceId: this.#storedDevice(), transport });
    } catch (error) {
      this.#tell(sayChoice("problem", error.code, sayServed(error.message)));
    }
  }

  /** Take an event of the conversation. */
  take(event) {
    if (event.type === "speech") {
      const words = sayChoice("speech", event.speaking ? event.role : "nobody", "");
      this.#parts.words.textContent = this.#call?.isMuted ? say("muted") : words;
      this.root.dataset.speaking = event.speaking ? event.role : "";
    }
    if (event.type === "error" && event.code === "audio_overflow") return true; // nothing to do about it
    if (event.type === "error" && ENDING_CODES.has(event.code)) {
      this.#call?.close();
      this.#tell(sayServed(event.detail || event.title));
      return true;
    }
    return false;
  }

  async #turnOff() {
    try {
      await this.#call?.stop();
    } catch (error) {
      this.#tell(sayServed(error.message));
    }
  }

  #toggleMute() {
    this.#call?.mute(!this.#call.isMuted);
    this.#draw();
  }

  async #useDevice(deviceId) {
    try {
      localStorage.setItem(DEVICE_STORE, deviceId);
    } catch {
      // Blocked storage: the choice holds for this page.
    }
    try {
      await this.#call?.useDevice(deviceId);
      this.#tell("");
    } catch (error) {
      this.#tell(sayChoice("problem", error.code, sayServed(error.message)));
    }
  }

  #storedDevice() {
    try {
      return localStorage.getItem(DEVICE_STORE) ?? "";
    } catch {
      return "";
    }
  }

  async #listDevices() {
    const { device, devices } = this.#parts;
    const found = await listMicrophones();
    device.replaceChildren(...found.map(({ deviceId, label }, index) => new Option(label || say("microphone_number", { number: index + 1 }), deviceId)));
    device.value = this.#call?.deviceId || device.value;
    devices.hidden = found.length === 0 || !this.isOn;
  }

  #tell(words) {
    this.#parts.problem.textContent = words;
    this.#parts.problem.hidden = !words;
  }

  #draw() {
    const { on, off, mute, live, unblock, devices, words } = this.#parts;
    const state = this.#call?.state ?? "off";
    on.hidden = state !== "off";
    live.hidden = state === "off";
    off.hidden = state === "off";
    mute.hidden = state !== "on";
    this.root.dataset.voice = state;
    words.textContent = { off: "", starting: say("asking"), on: say(this.#call?.isMuted ? "muted" : "speech_nobody") }[state];
    mute.setAttribute("aria-pressed", String(Boolean(this.#call?.isMuted)));
    if (state === "off") {
      unblock.hidden = true;
      devices.hidden = true;
      this.root.dataset.speaking = "";
    }
    this.dispatchEvent(new Event("change"));
  }
}
