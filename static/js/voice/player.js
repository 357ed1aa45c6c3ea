// Owns: playing the agent's voice. Frames come as u32 generation, u32 segment, PCM16 at 24 kHz; what
// is of a cleared generation is never heard. Knows no socket: it dispatches "playback" (detail:
// {segment, playedMs, interrupted}) and "playing" (detail: true or false).

const RATE = 24_000;
const HEADER = 8;
const LEAD_SECONDS = 0.06; // a little in hand, so that one late frame makes no gap
const DUCKED = 0.15;
const FADE_SECONDS = 0.04;
const REPORT_MS = 1000;

export class Player extends EventTarget {
  #context;
  #gain;
  #until = 0; // context time at which everything queued has been heard
  #generation = 0;
  #sources = new Set();
  #segments = new Map(); // number -> {queued, ended, startedAt, endsAt, isEnded, isTold}
  #timer = 0;
  #isPlaying = false;

  /** @param {AudioContext} context */
  constructor(context) {
    super();
    this.#context = context;
    this.#gain = context.createGain();
    this.#gain.connect(context.destination);
  }

  get isPlaying() { return this.#isPlaying; }

  /** Whether the browser keeps quiet until the person presses something. */
  get isBlocked() { return this.#context.state !== "running"; }

  /** Queue one frame of the agent's voice. */
  take(buffer) {
    if (buffer.byteLength <= HEADER) return;
    const view = new DataView(buffer);
    const generation = view.getUint32(0);
    const number = view.getUint32(4);
    if (generation < this.#generation) return;
    // Sound may overtake the word that an earlier generation is over.
    if (generation > this.#generation) this.clear(generation);
    const samples = new Int16Array(buffer.slice(HEADER, HEADER + Math.floor((buffer.byteLength - HEADER) / 2) * 2));
    const audio = this.#context.createBuffer(1, samples.length, RATE);
    const channel = audio.getChannelData(0);
    for (let index = 0; index < samples.length; index += 1) channel[index] = samples[index] / 32_768;
    const source = this.#context.createBufferSource();
    source.buffer = audio;
    source.connect(this.#gain);
    const now = this.#context.currentTime;
    if (this.#until < now + 0.01) this.#until = now + LEAD_SECONDS;
    const entry = this.#entry(number);
    entry.isEnded = false;
    entry.pieces.push({ from: this.#until, seconds: audio.duration });
    source.start(this.#until);
    this.#until += audio.duration;
    this.#sources.add(source);
    source.addEventListener("ended", () => {
      this.#sources.delete(source);
      this.#look();
    });
    if (!this.#isPlaying) this.#setPlaying(true);
    this.#timer ||= setInterval(() => this.#report(), REPORT_MS);
  }

  /** Everything of a segment has been sent. */
  end(number) {
    this.#entry(number).isEnded = true;
    this.#look();
  }

  /**
   * Fall silent: what is queued below this generation will not be heard any more. A sentence may go
   * on in a later one, from where it was heard.
   */
  clear(generation) {
    if (generation <= this.#generation) return;
    this.#generation = generation;
    for (const [segment, entry] of this.#rewind()) this.#tell(segment, entry, true);
    this.restore();
    this.#setPlaying(false);
  }

  /** Speak softly while the person may be about to say something. */
  duck() { this.#fade(DUCKED); }

  restore() { this.#fade(1); }

  /** After an interruption of the line: say how far each sentence was heard, and drop the rest. */
  rewind() {
    for (const [segment, entry] of this.#rewind()) this.#tell(segment, entry, true);
    this.#setPlaying(false);
  }

  #rewind() {
    for (const entry of this.#segments.values()) {
      entry.before = this.#playedMs(entry);
      entry.pieces = [];
      entry.isEnded = false;
    }
    this.#stopSources();
    // Only the last sentence can still go on.
    for (const segment of [...this.#segments.keys()].slice(0, -1)) this.#segments.delete(segment);
    return [...this.#segments];
  }

  close() {
    clearInterval(this.#timer);
    this.#stopSources();
    this.#segments.clear();
    this.#gain.disconnect();
    this.#setPlaying(false);
  }

  #entry(number) {
    if (!this.#segments.has(number)) this.#segments.set(number, { pieces: [], before: 0, isEnded: false });
    return this.#segments.get(number);
  }

  #playedMs(entry) {
    const now = this.#context.currentTime;
    const seconds = entry.pieces.reduce((sum, { from, seconds: length }) => sum + Math.max(0, Math.min(length, now - from)), 0);
    return Math.round(entry.before + seconds * 1000);
  }

  /** Report the segments that have been heard to their end. */
  #look() {
    const now = this.#context.currentTime;
    for (const [number, entry] of this.#segments) {
      const last = entry.pieces.at(-1);
      if (!entry.isEnded || (last && last.from + last.seconds > now + 0.005 && this.#sources.size > 0)) continue;
      this.#segments.delete(number);
      this.#tell(number, entry, false);
    }
    if (this.#sources.size === 0) {
      clearInterval(this.#timer);
      this.#timer = 0;
      this.#setPlaying(false);
    }
  }

  #report() {
    for (const [segment, entry] of this.#segments) {
      if (entry.pieces.length) this.dispatchEvent(new CustomEvent("playback", { detail: { segment, playedMs: this.#playedMs(entry), interrupted: false, isFinal: false } }));
    }
    this.#look();
  }

  #tell(segment, entry, interrupted) {
    this.dispatchEvent(new CustomEvent("playback", { detail: { segment, playedMs: this.#playedMs(entry), interrupted, isFinal: true } }));
  }

  #stopSources() {
    for (const source of this.#sources) source.stop();
    this.#sources.clear();
    this.#until = 0;
  }

  #fade(volume) {
    const { gain } = this.#gain;
    gain.cancelScheduledValues(this.#context.currentTime);
    gain.setTargetAtTime(volume, this.#context.currentTime, FADE_SECONDS);
  }

  #setPlaying(isPlaying) {
    if (this.#isPlaying === isPlaying) return;
    this.#isPlaying = isPlaying;
    this.dispatchEvent(new CustomEvent("playing", { detail: isPlaying }));
  }
}
