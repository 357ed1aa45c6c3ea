// Owns: showing the time of a run between two words of the server. The server counts; here only the
// difference since its last word is added, so a sleeping tab shows the right time when it wakes.

const SILENT_AFTER_MS = 5 * 60_000; // the server's own limit

export function formatClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

export class RunClock {
  constructor(element) {
    this.element = element;
    this.elapsed = 0;
    this.isTiming = false;
    this.heardAt = Date.now();
  }

  /** Take the server's word. */
  set(state) {
    this.elapsed = state.elapsed_seconds;
    this.isTiming = state.is_timing;
    this.heardAt = Date.now();
    this.show();
  }

  /** The time would no longer count: nobody has told the server for too long. */
  get isSilent() {
    return this.isTiming && Date.now() - this.heardAt > SILENT_AFTER_MS;
  }

  get seconds() {
    if (!this.isTiming || this.isSilent) return this.elapsed;
    return this.elapsed + Math.max(0, Date.now() - this.heardAt) / 1000;
  }

  show() {
    const text = formatClock(this.seconds);
    if (this.element.textContent !== text) this.element.textContent = text;
  }
}
