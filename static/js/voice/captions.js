// Owns: the order in which words of the agent appear when it speaks: with its voice and not before it.
// Knows no page: it hands segments on to `show`, changed only in how much of their text there is.

const WAIT_MS = 6000; // for the voice of a reply whose words are here already

export class CaptionPacer {
  #show;
  #remove;
  #held = new Map(); // segment id -> {segment, timer}
  #whole = new Set(); // ids of segments that stand in full: captions never shorten them again
  isOn = false;

  /** @param {(segment: object) => void} show; @param {(segmentId: string) => void} remove */
  constructor(show, remove) {
    this.#show = show;
    this.#remove = remove;
  }

  /** Take a transcript event. */
  take(segment) {
    const { segment_id: id, role, final, text } = segment;
    if (role === "user") {
      if (!final && !text) this.#remove(id);
      else this.#show(segment);
      return;
    }
    const held = this.#held.get(id);
    if (!final) {
      if (this.#whole.has(id)) return;
      clearTimeout(held?.timer);
      this.#show({ ...held?.segment, ...segment });
      return;
    }
    if (this.isOn && segment.seq !== null && !segment.interrupted && !held && !this.#whole.has(id)) {
      const timer = setTimeout(() => this.#release(id), WAIT_MS);
      this.#held.set(id, { segment, timer });
      this.#show({ ...segment, text: "…", final: false });
      return;
    }
    clearTimeout(held?.timer);
    this.#held.delete(id);
    this.#whole.add(id);
    this.#show(segment);
  }

  /** Note that a segment stands in full already. */
  know(segmentId) {
    this.#whole.add(segmentId);
  }

  /** Show everything that is still held back: the voice is gone. */
  flush() {
    for (const id of [...this.#held.keys()]) this.#release(id);
  }

  #release(id) {
    const held = this.#held.get(id);
    if (!held) return;
    clearTimeout(held.timer);
    this.#held.delete(id);
    this.#whole.add(id);
    this.#show(held.segment);
  }
}
