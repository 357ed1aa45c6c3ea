// Owns: the panel itself: frame, focus, which screen is shown, and what every screen may use.
import { button, h } from "./dom.js";
import { drawHeader, drawInvitation, drawProblem } from "./intro.js";
import { FRAME_CSS } from "./style-frame.js";
import { SCREEN_CSS } from "./style-screens.js";

const LOCALES = { en: () => import("./locale-en.js"), es: () => import("./locale-es.js") };
const LATER = {
  resume: () => import("./return.js").then((module) => module.drawResume),
  consent: () => import("./intro.js").then((module) => module.drawConsent),
  conversation: () => import("./conversation.js").then((module) => module.drawConversation),
  evaluating: () => import("./outcome.js").then((module) => module.drawEvaluating),
  result: () => import("./outcome.js").then((module) => module.drawResult),
  appeal: () => import("./outcome.js").then((module) => module.drawAppeal),
  privacy: () => import("./privacy.js").then((module) => module.drawPrivacy),
  erased: () => import("./privacy.js").then((module) => module.drawErased),
};

const OF_A_SESSION = new Set(["resume", "conversation", "evaluating", "result", "appeal", "privacy"]);

/** Build the panel once; `shell` is what shell.js shares. */
export async function createPanel(shell) {
  const family = shell.language().slice(0, 2).toLowerCase();
  const words = (await (LOCALES[family] ?? LOCALES.en)()).default;
  return new Panel(shell, words);
}

class Panel {
  #screen = null;
  #returnTo = null;
  #isOpen = false;
  #turn = 0; // of show(): a screen that loads late must not replace a later one

  constructor(shell, words) {
    this.shell = shell;
    this.words = words;
    this.#build();
  }

  /** A text of the locale with its {places} filled. */
  t(key, values = {}) {
    const text = this.words[key];
    if (text === undefined) throw new Error(`Parley: no text for "${key}"`);
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  /** The form of a text for a number of things. */
  tn(key, n) {
    return this.t(`${key}_${n === 1 ? "one" : "other"}`, { n });
  }

  get language() { return this.shell.language(); }

  time(moment) {
    return new Intl.DateTimeFormat(this.language, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(new Date(moment));
  }

  /** Headings keep their order below the title, which is the page's own on the hosted page. */
  heading(className, text) {
    return h(`${this.shell.isInline ? "h2" : "h3"}.${className}`, { tabindex: "-1" }, text);
  }

  subheading(text) {
    return h(this.shell.isInline ? "h3.sub" : "h4.sub", {}, text);
  }

  #build() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(FRAME_CSS + SCREEN_CSS);
    this.shell.root.adoptedStyleSheets = [...this.shell.root.adoptedStyleSheets, sheet];
    this.body = h("div.body");
    this.live = h("p.sr-only", { "aria-live": "polite" });
    this.header = drawHeader(this);
    this.element = h(
      "section.panel",
      {
        role: this.shell.isInline ? "region" : "dialog", "aria-labelledby": "parley-title", lang: this.language, hidden: true,
        onkeydown: (event) => this.#onKey(event),
      },
      this.header, this.body, this.live,
    );
    this.element.classList.toggle("panel--inline", this.shell.isInline);
    this.shell.root.append(this.element);
  }

  #onKey(event) {
    if (event.key !== "Escape" || event.isComposing || this.shell.isInline) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.#screen?.escape?.()) this.close();
  }

  /** Say something to people who listen; `politely` once, nothing is drawn. */
  announce(text) {
    this.live.textContent = "";
    // Emptied first, so that the same words twice are two messages.
    requestAnimationFrame(() => { this.live.textContent = text; });
  }

  async open({ focus = true } = {}) {
    if (!this.#isOpen) {
      this.#isOpen = true;
      this.#returnTo = document.activeElement;
      this.element.hidden = false;
      this.shell.matchColour(this.element.querySelector(".swatch"));
      this.shell.setOpen(true);
      await this.showFirst({ focus });
    }
    if (focus) this.#focus();
  }

  close() {
    if (!this.#isOpen || this.shell.isInline) return;
    this.#isOpen = false;
    const hadFocus = this.shell.root.activeElement !== null;
    this.#leave();
    this.element.hidden = true;
    if (this.shell.standing() === "none") this.shell.device.write({ dismissed_at: Date.now() });
    this.shell.setOpen(false);
    if (!hadFocus) return;
    const returnTo = this.#returnTo;
    if (returnTo && returnTo !== document.body && returnTo !== this.shell.host && returnTo.isConnected) returnTo.focus();
    else this.shell.launcher?.focus();
  }

  #firstScreen() {
    const { store, visit, visitor, asksFirst } = this.shell;
    const { isDone, result } = store.read();
    const { isTalking, isMine } = visit.read();
    const standing = this.shell.standing();
    // Of an unknown person the browser only says that it was used; the tab, that it still is.
    const isTheirs = Boolean(visitor) || (isMine && !asksFirst);
    if (standing === "done" && isTheirs) return result ? "result" : "evaluating";
    if (standing === "open" && isTheirs && isTalking) return "conversation";
    if (standing !== "none") return "resume";
    if (isDone) store.write({ session: null, isDone: false, result: null });
    return this.shell.config.status === "active" ? "invitation" : "problem";
  }

  /** Show what this person's state asks for. */
  showFirst({ focus = true } = {}) {
    return this.show(this.#firstScreen(), {}, { focus });
  }

  /** Begin again for whoever is here now; nothing of the former screen stays. */
  async restart() {
    if (!this.#isOpen) return;
    this.#leave();
    await this.showFirst({ focus: false });
  }

  /** Show a screen: draws it, takes the old one away, moves the focus to its heading. */
  async show(name, values = {}, { focus = true } = {}) {
    // What is of a session cannot be shown to somebody who has none: they came while it was loading.
    if (OF_A_SESSION.has(name) && !this.shell.store.read().session) name = this.#firstScreen();
    const turn = (this.#turn += 1);
    if (name === "problem" && !values.code && !values.error) values = { code: this.shell.config.status === "closed" ? "survey_closed" : "survey_not_active" };
    let draw = { invitation: drawInvitation, problem: drawProblem }[name];
    try {
      draw ??= await LATER[name]();
    } catch (error) {
      this.shell.fail("load_failed", `a part of the widget could not be loaded: ${error.message}`);
      return this.show("problem", { error, retry: () => this.show(name, values) });
    }
    if (turn !== this.#turn) return;
    this.#leave();
    this.#screen = draw(this, values);
    this.element.dataset.screen = name;
    this.body.replaceChildren(this.#screen.element);
    this.body.scrollTop = 0;
    this.#screen.shown?.();
    if (focus && this.#isOpen) this.#focus();
  }

  #leave() {
    this.#screen?.dispose?.();
    this.#screen = null;
    this.body.replaceChildren();
  }

  #focus() {
    const target = this.#screen?.focus ?? this.element.querySelector("#parley-title");
    target?.focus({ preventScroll: this.shell.isInline });
  }

  /** Tell what went wrong, with what to do; `retry` draws the button for it. */
  showProblem(error, retry = null) {
    this.shell.emit("error", { code: error.code ?? "unexpected", message: error.message });
    return this.show("problem", { error, retry });
  }

  /** Ask inside the panel before something that cannot be taken back. */
  confirm({ title, text, go, stay, kind = "primary" }) {
    return new Promise((resolve) => {
      const before = this.shell.root.activeElement;
      const answer = (value) => {
        sheet.remove();
        for (const part of [this.header, this.body]) part.inert = false;
        before?.focus();
        resolve(value);
      };
      const sheet = h(
        "div.sheet",
        { role: "alertdialog", "aria-modal": "true", "aria-labelledby": "parley-ask", "aria-describedby": "parley-ask-text",
          onkeydown: (event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            event.preventDefault();
            answer(false);
          } },
        h("div.sheet__card", {},
          h("h3", { id: "parley-ask" }, title),
          h("p", { id: "parley-ask-text" }, text),
          h("div.actions", {}, button(stay, { onclick: () => answer(false) }), button(go, { kind, onclick: () => answer(true) }))),
      );
      for (const part of [this.header, this.body]) part.inert = true;
      this.element.append(sheet);
      sheet.querySelector("button").focus();
    });
  }
}
