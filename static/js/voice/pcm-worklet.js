// Owns: turning what the microphone hears into PCM16 frames at 16 kHz, on the audio thread.
// Loaded by its address (audioWorklet.addModule), so it imports nothing.

const RATE = 16_000;
const FRAME = 640; // samples: 40 ms

class PcmCapture extends AudioWorkletProcessor {
  #step = sampleRate / RATE; // context samples for one of ours
  #at = 0; // where the next sample of ours lies in the block
  #sum = 0; // of context samples since the last one of ours: their mean keeps high tones out
  #count = 0;
  #frame = new Int16Array(FRAME);
  #filled = 0;
  #isMuted = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => { this.#isMuted = data.isMuted; };
  }

  process([input]) {
    const channels = input.length;
    if (!channels || this.#isMuted) return true;
    const [first] = input;
    for (let index = 0; index < first.length; index += 1) {
      let value = first[index];
      for (let other = 1; other < channels; other += 1) value += input[other][index];
      this.#sum += value / channels;
      this.#count += 1;
      this.#at += 1;
      if (this.#at < this.#step) continue;
      this.#at -= this.#step;
      this.#push(this.#sum / this.#count);
      this.#sum = 0;
      this.#count = 0;
    }
    return true;
  }

  #push(value) {
    this.#frame[this.#filled] = Math.max(-1, Math.min(1, value)) * 32_767;
    this.#filled += 1;
    if (this.#filled < FRAME) return;
    let squares = 0;
    for (const sample of this.#frame) squares += sample * sample;
    const level = Math.sqrt(squares / FRAME) / 32_768;
    const { buffer } = this.#frame;
    this.#frame = new Int16Array(FRAME);
    this.#filled = 0;
    this.port.postMessage({ buffer, level }, [buffer]);
  }
}

registerProcessor("parley-pcm-capture", PcmCapture);
