const STYLES = {
  datetime: { dateStyle: "medium", timeStyle: "short" },
  date: { dateStyle: "medium" },
  time: { timeStyle: "short" },
};
const STEPS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

function relative(moment, language) {
  let distance = (moment - Date.now()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) < size) {
      return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(distance), unit);
    }
    distance /= size;
  }
  return "";
}

/** Rewrite every <time data-local-time> below `root` to the reader's own zone; the title keeps UTC. */
export function formatLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-local-time]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const language = element.closest("[lang]")?.lang || undefined; // a part may be in another language
    const style = element.dataset.localTime;
    element.title ||= element.textContent;
    element.textContent = style === "relative"
      ? relative(moment, language)
      : new Intl.DateTimeFormat(language, STYLES[style] ?? STYLES.datetime).format(moment);
  }
}
