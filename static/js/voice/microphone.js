// Owns: the microphone: permission, choice of device, level, mute, and PCM16 frames at 16 kHz.
// Knows no conversation: it dispatches "frame" (detail: ArrayBuffer), "level" (detail: 0 to 1),
// "lost" (the device went away) and "devices" (others are there now).

const WANTED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
const CODES = {
  NotAllowedError: "microphone_denied", SecurityError: "microphone_denied", NotFoundError: "microphone_missing",
  OverconstrainedError: "microphone_missing", NotReadableError: "microphone_busy", AbortError: "microphone_busy",
};

/** Why there is no microphone: code is microphone_denied, _missing, _busy, _insecure or _unsupported. */
export class MicrophoneError extends Error {
  constructor(code, cause = undefined) {
    super(code, { cause });
    this.name = "MicrophoneError";
    this.code = code;
  }
}

/** Whether this page can have a microphone at all; a code when it cannot. */
export function findObstacle() {
  if (!window.isSecureContext) return "microphone_insecure";
  if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) return "microphone_unsupported";
  return "";
}

/** The microphones; their names are empty until one was allowed. */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter(({ kind, deviceId }) => kind === "audioinput" && deviceId !== "communications");
}

/**
 * Ask for a stream.
 * @throws {MicrophoneError}
 */
export async function requestStream(deviceId = "") {
  const obstacle = findObstacle();
  if (obstacle) throw new MicrophoneError(obstacle);
  const audio = deviceId ? { ...WANTED, deviceId: { exact: deviceId } } : WANTED;
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    // A device that was unplugged since it was chosen: any other is better than none.
    if (deviceId && error.name === "OverconstrainedError") return requestStream();
    throw new MicrophoneError(CODES[error.name] ?? "microphone_busy", error);
  }
}

export class Microphone extends EventTarget {
  #context;
  #workletUrl;
  #stream = null;
  #source = null;
  #node = null;
  #isMuted = false;
  #onDevices = () => this.dispatchEvent(new Event("devices"));

  /** @param {AudioContext} context @param {string} workletUrl address of pcm-worklet.js */
  constructor(context, workletUrl) {
    super();
    this.#context = context;
    this.#workletUrl = workletUrl;
  }

  get isMuted() { return this.#isMuted; }

  get deviceId() { return this.#stream?.getAudioTracks()[0]?.getSettings().deviceId ?? ""; }

  /**
   * Open the microphone, or change to another.
   * @throws {MicrophoneError}
   */
  async open(deviceId = "") {
    const stream = await requestStream(deviceId);
    if (!this.#node) {
      await this.#context.audioWorklet.addModule(this.#workletUrl);
      this.#node = new AudioWorkletNode(this.#context, "parley-pcm-capture", { numberOfInputs: 1, numberOfOutputs: 0 });
      this.#node.port.onmessage = ({ data }) => this.#take(data);
      navigator.mediaDevices.addEventListener("devicechange", this.#onDevices);
    }
    this.#drop();
    this.#stream = stream;
    const [track] = stream.getAudioTracks();
    track.addEventListener("ended", () => this.dispatchEvent(new Event("lost")));
    this.#source = this.#context.createMediaStreamSource(stream);
    this.#source.connect(this.#node);
    this.mute(this.#isMuted);
    this.#onDevices();
  }

  mute(isMuted) {
    this.#isMuted = isMuted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
    this.#node?.port.postMessage({ isMuted });
    if (isMuted) this.dispatchEvent(new CustomEvent("level", { detail: 0 }));
  }

  /** Let go of the device, so that the browser's recording light goes out. */
  close() {
    navigator.mediaDevices?.removeEventListener?.("devicechange", this.#onDevices);
    this.#drop();
    this.#node?.port.close();
    this.#node?.disconnect();
    this.#node = null;
  }

  #take({ buffer, level }) {
    this.dispatchEvent(new CustomEvent("frame", { detail: buffer }));
    // Loudness as people hear it: a quiet voice must still move the meter.
    this.dispatchEvent(new CustomEvent("level", { detail: Math.min(1, Math.sqrt(level) * 2) }));
  }

  #drop() {
    this.#source?.disconnect();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#source = null;
    this.#stream = null;
  }
}
