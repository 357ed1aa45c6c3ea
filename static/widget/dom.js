// Owns: making elements. Whatever people or agents wrote goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  alert: ["M12 3.5 2.5 20h19L12 3.5z", "M12 10v4.5M12 17.5v.01"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  clock: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 7.5V12l3 2"],
  close: ["M6 6l12 12M18 6L6 18"],
  coin: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M15 9.2c-.6-1-1.7-1.4-3-1.4-1.700 0-2.900.8-2.900 2.100 0 3 6 1.200 6 4.300 0 1.300-1.300 2.100-3.100 2.100-1.400 0-2.600-.5-3.200-1.600M12 6v12"],
  copy: ["M9 9h10v11H9z", "M15 9V4H5v11h4"],
  download: ["M12 4v11M7.500 11l4.500 4.500 4.500-4.500M5 20h14"],
  lock: ["M6 11h12v9H6z", "M8.500 11V8a3.500 3.500 0 0 1 7 0v3"],
  mic: ["M12 15a3.500 3.500 0 0 0 3.500-3.500V7a3.500 3.500 0 0 0-7 0v4.500A3.500 3.500 0 0 0 12 15z", "M5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3"],
  mic_off: ["M8.500 8.500v3a3.500 3.500 0 0 0 5.500 2.900M15.500 10.500V7a3.500 3.500 0 0 0-6.600-1.600", "M5.500 11.500a6.500 6.500 0 0 0 10.300 5.300M18.500 11.500c0 1-.2 1.900-.6 2.700M12 18v3M4 4l16 16"],
  pause: ["M9 6v12M15 6v12"],
  play: ["M8 5.500v13l11-6.500z"],
  send: ["M4 12h15M13 6l6 6-6 6"],
  shield: ["M12 3l7.500 3v5.500c0 4.500-3 8-7.500 9.500-4.500-1.500-7.500-5-7.500-9.500V6z"],
  skip: ["M6 6l8 6-8 6z", "M18 6v12"],
  talk: ["M21 12a8 8 0 0 1-11.600 7.100L4 20.500l1.400-4.600A8 8 0 1 1 21 12z", "M9 11h6M9 14.500h4"],
  trash: ["M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5"],
  wallet: ["M4 7.500h14.500V19H4z", "M4 7.500l11-3.500v3.500M15 13.200h3.500"],
};

/**
 * Make an element.
 * @param {string} tag with classes: "p.note.note--warn"
 * @param {object} props "on…" are listeners, "data-…"/"aria-…"/others attributes; null and false are left out
 * @param {...(Node|string|null|false)} children text stays text
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") made[key] = value;
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Make an icon, which screen readers pass over. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" })) svg.setAttribute(key, value);
  for (const line of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

/** Make a button; `kind` is primary, secondary, quiet or danger. */
export function button(label, { kind = "secondary", iconName = null, onclick, ...rest } = {}) {
  return h(`button.button.button--${kind}`, { type: "button", onclick, ...rest }, iconName && icon(iconName), h("span", {}, label));
}

/** Show a button as working, and let it do nothing meanwhile; keeps its place in the tab order. */
export function setBusy(target, isBusy) {
  if (isBusy) target.setAttribute("aria-disabled", "true");
  else target.removeAttribute("aria-disabled");
  target.classList.toggle("is-busy", isBusy);
}

export const isBusy = (target) => target.getAttribute("aria-disabled") === "true";

/** An id nobody guesses; works on pages without TLS too, where randomUUID is missing. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
