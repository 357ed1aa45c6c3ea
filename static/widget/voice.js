// Owns: voice in the conversation: the check before it, the bar while it is on, what went wrong. How sound
// travels is call.js; words are the conversation's.
import { button, h, icon, setBusy } from "./dom.js";
import { Call, findObstacle } from "./call.js";
import { Microphone, listMicrophones } from "./microphone.js";

const WORKLET = new URL("./pcm-worklet.js", import.meta.url).href;
const ROOM = new URL("./room.js", import.meta.url).href;
// After these the agent is gone: the microphone is let go and typing goes on.
const ENDING_CODES = new Set(["speech_unavailable", "voice_elsewhere", "voice_not_loaded", "voice_busy", "voice_failed", "voice_not_on", "voice_running", "voice_engine", "room_unreachable"]);
const KNOWN_PROBLEMS = new Set([
  "microphone_denied", "microphone_missing", "microphone_busy", "microphone_insecure", "microphone_unsupported",
  "voice_unavailable", "voice_needs_socket", "room_unreachable", "room_refused", "room_client_missing",
]);

/** Voice of one conversation; `post` answers POST …/voice. Dispatches "change". */
export class WidgetVoice extends EventTarget {
  #check = null; // {context, microphone} while the microphone is tried

  constructor({ panel, connection, post }) {
    super();
    this.panel = panel;
    const { base } = panel.shell;
    this.call = new Call({
      connection, post,
      urls: { worklet: WORKLET, room: ROOM, client: `${base}/static/vendor/livekit-client/livekit-client.umd.js` },
    });
    this.#draw();
    this.call.addEventListener("state", () => this.#drawState());
    this.call.addEventListener("level", ({ detail }) => this.#drawLevel(detail));
    this.call.addEventListener("blocked", ({ detail }) => { this.unblock.hidden = !detail; });
    this.call.addEventListener("problem", ({ detail }) => this.#tell(detail.code));
  }

  get isOn() { return this.call.state === "on"; }

  #t(key) { return this.panel.t(key); }

  #draw() {
    this.start = h("button.mic", { type: "button", "aria-label": this.#t("voice_start"), title: this.#t("voice_start"), onclick: () => this.#openCheck() }, icon("mic"));
    this.meter = h("span.meter__fill");
    this.words = h("span.voice__words", { role: "status" });
    this.mute = button(this.#t("voice_mute"), { kind: "quiet", iconName: "mic_off", "aria-pressed": "false", onclick: () => this.#toggleMute() });
    this.off = button(this.#t("voice_off"), { kind: "quiet", iconName: "close", onclick: () => this.#turnOff() });
    this.unblock = button(this.#t("voice_unblock"), { kind: "primary", iconName: "play", hidden: true, onclick: () => this.call.unblock() });
    this.note = h("p.voice__note", { role: "alert", hidden: true });
    this.bar = h("div.voice__bar", { hidden: true }, h("span.meter", { "aria-hidden": "true" }, this.meter), this.words, this.unblock, this.mute, this.off);
    this.checkMeter = h("span.meter__fill");
    this.device = h("select.voice__device", { "aria-label": this.#t("voice_device"), onchange: () => this.#tryDevice() });
    this.go = button(this.#t("voice_go"), { kind: "primary", iconName: "mic", onclick: () => this.#begin() });
    this.card = h("div.voice__card", { hidden: true, role: "group", "aria-label": this.#t("voice_check"), onkeydown: (event) => this.#onCheckKey(event) },
      h("p.voice__title", {}, this.#t("voice_check")),
      h("p", {}, this.#t("voice_check_text")),
      this.device,
      h("span.meter.meter--wide", { role: "img", "aria-label": this.#t("voice_level") }, this.checkMeter),
      h("div.actions", {}, button(this.#t("cancel"), { onclick: () => this.#closeCheck({ focus: true }) }), this.go));
    this.element = h("div.voice", { role: "group", "aria-label": this.#t("voice") }, this.card, this.bar, this.note);
  }

  // --- the check ----------------------------------------------------------------------------------

  async #openCheck() {
    this.#tell("");
    const obstacle = findObstacle();
    if (obstacle) return this.#tell(obstacle);
    const context = new AudioContext();
    const microphone = new Microphone(context, WORKLET);
    this.#check = { context, microphone };
    microphone.addEventListener("level", ({ detail }) => { this.checkMeter.style.inlineSize = `${Math.round(detail * 100)}%`; });
    microphone.addEventListener("devices", () => this.#listDevices());
    setBusy(this.start, true);
    try {
      await microphone.open(this.panel.shell.device.read().microphone ?? "");
      this.card.hidden = false;
      this.go.focus();
    } catch (error) {
      this.#closeCheck();
      this.#tell(error.code ?? "microphone_busy");
    } finally {
      setBusy(this.start, false);
    }
  }

  #closeCheck({ focus = false } = {}) {
    this.#check?.microphone.close();
    this.#check?.context.close();
    this.#check = null;
    this.card.hidden = true;
    if (focus) this.start.focus();
  }

  /** Esc leaves the check; the conversation behind it stays open. */
  #onCheckKey(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    this.#closeCheck({ focus: true });
  }

  async #listDevices() {
    const found = await listMicrophones();
    const chosen = this.#check?.microphone.deviceId;
    this.device.replaceChildren(...found.map(({ deviceId, label }, index) => h("option", { value: deviceId }, label || `${this.#t("voice_device")} ${index + 1}`)));
    if (chosen) this.device.value = chosen;
    this.device.hidden = found.length < 2;
  }

  async #tryDevice() {
    this.panel.shell.device.write({ microphone: this.device.value });
    try {
      await this.#check?.microphone.open(this.device.value);
    } catch (error) {
      this.#closeCheck();
      this.#tell(error.code ?? "microphone_busy");
    }
  }

  async #begin() {
    const deviceId = this.#check?.microphone.deviceId ?? "";
    this.#closeCheck();
    try {
      await this.call.start({ deviceId });
      this.mute.focus();
    } catch (error) {
      this.#tell(error.code ?? "voice_unavailable", error.detail ?? "");
      this.start.focus();
    }
  }

  // --- while it is on -----------------------------------------------------------------------------

  #toggleMute() {
    this.call.mute(!this.call.isMuted);
    this.#drawState();
  }

  async #turnOff() {
    try {
      await this.call.stop();
    } catch {
      // The microphone is off already; the server notices by itself that nobody speaks.
    }
    this.start.focus();
  }

  /** While the conversation is paused nothing is heard. */
  hold(isHeld) { this.call.hold(isHeld); }

  /** Take an event; true when it needs no other place on the screen. */
  take(event) {
    if (event.type === "speech" && this.isOn) {
      this.words.textContent = this.#t(event.speaking ? `voice_${event.role}_speaks` : "voice_listening");
    }
    if (event.type === "error" && event.code === "audio_overflow") return true; // nothing to do about it
    if (event.type !== "error" || !ENDING_CODES.has(event.code)) return false;
    this.call.close();
    this.#tell("voice_lost");
    return true;
  }

  #drawLevel(level) { this.meter.style.inlineSize = `${Math.round(level * 100)}%`; }

  #drawState() {
    const { state, isMuted } = this.call;
    this.bar.hidden = state === "off";
    this.start.hidden = state !== "off";
    this.element.dataset.voice = state;
    this.words.textContent = state === "starting" ? this.#t("voice_starting") : this.#t(isMuted ? "voice_muted" : "voice_listening");
    this.mute.setAttribute("aria-pressed", String(isMuted));
    this.mute.querySelector("span").textContent = this.#t(isMuted ? "voice_unmute" : "voice_mute");
    this.dispatchEvent(new Event("change"));
  }

  #tell(code, detail = "") {
    const key = KNOWN_PROBLEMS.has(code) || code === "voice_lost" ? `problem_${code}` : "problem_voice_unavailable";
    this.note.textContent = code ? detail || this.#t(key) : "";
    this.note.hidden = !code;
  }

  dispose() {
    this.#closeCheck();
    this.call.close();
  }
}
