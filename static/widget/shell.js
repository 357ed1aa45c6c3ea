// Owns: the launcher, when and to whom it shows, and the page's JS API. What happens in the panel
// is in the modules this loads when somebody opens it. Classic script, so that it runs anywhere.
(() => {
  "use strict";
  const MODULES = "/widget/dev/";
  const script = document.currentScript;
  const queue = Array.isArray(window.Parley) ? window.Parley : [];
  if (window.Parley?.open) return console.warn("Parley: the widget is on this page already; the second script was ignored.");

  const given = script.dataset;
  const base = new URL(script.src).origin;
  const sockets = base.replace(/^http/, "ws");
  const isInline = given.mode === "inline";
  const listeners = new Map();
  const HOUR = 3_600_000;

  const TEXTS = {
    en: { ask: "Share your view", earn: "Earn {pay}", resume: "Continue your interview", result: "Your result", hide: "Hide this invitation", failed: "Could not load. Try again" },
    es: { ask: "Danos tu opinión", earn: "Gana {pay}", resume: "Sigue con tu entrevista", result: "Tu resultado", hide: "Ocultar esta invitación", failed: "No se pudo cargar. Reintenta" },
  };
  const CSS = `
    :host { all: initial; color-scheme: light dark; --a: var(--parley-color, light-dark(#0b6652, #63cbaa));
      --on: var(--parley-color-text, var(--auto-on, light-dark(#fff, #06251c)));
      font: 500 medium/1.4 var(--parley-font, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif); }
    :host([data-theme="light"]) { color-scheme: light; } :host([data-theme="dark"]) { color-scheme: dark; }
    :host([data-mode="inline"]) { display: flex; flex-direction: column; block-size: 100%; }
    [hidden] { display: none !important; }
    .bar { position: fixed; inset-block-end: max(16px, env(safe-area-inset-bottom)); inset-inline-end: 16px;
      z-index: var(--parley-z-index, 2147483000); display: flex; align-items: center; gap: 2px; max-width: calc(100vw - 32px);
      border-radius: var(--parley-launcher-radius, 999px); background: var(--a); color: var(--on);
      box-shadow: 0 8px 28px -6px rgb(20 24 22 / 38%), 0 2px 6px rgb(20 24 22 / 18%); }
    :host([data-position="left"]) .bar { inset-inline: 16px auto; }
    button { all: unset; box-sizing: border-box; cursor: pointer; display: flex; align-items: center; gap: 10px;
      min-height: 48px; padding: 6px 18px; border-radius: inherit; min-width: 0; -webkit-tap-highlight-color: transparent; }
    .open { padding-inline-end: 8px; } .only { padding-inline-end: 18px; }
    .words { display: flex; flex-direction: column; line-height: 1.25; min-width: 0; }
    .pay { font-size: .84em; font-weight: 400; font-variant-numeric: tabular-nums; }
    .hide { min-height: 40px; min-width: 40px; padding: 0; margin-inline-end: 4px; justify-content: center; }
    button:hover { background: color-mix(in srgb, var(--on) 12%, transparent); }
    button:focus-visible { outline: 3px solid var(--on); outline-offset: -5px; }
    svg { flex: none; width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    .hide svg { width: 16px; height: 16px; }
    @media print { .bar { display: none; } }
    @media (prefers-reduced-motion: no-preference) { .bar { animation: in .28s ease-out; } @keyframes in { from { opacity: 0; translate: 0 10px; } } }
    @media (forced-colors: active) { .bar { border: 1px solid ButtonText; } }`;
  const ICONS = {
    talk: "M21 12a8 8 0 0 1-11.6 7.1L4 20.5l1.4-4.6A8 8 0 1 1 21 12zM9 11h6M9 14.5h4",
    close: "M6 6l12 12M18 6L6 18",
  };

  // --- what is remembered in this browser ---------------------------------------------------------

  /** Whose the things kept here are: who is signed in, as a mark; empty for whoever sits here. */
  let identity = {};
  const visitor = () => given.visitor || mark(identity.user?.user_id ?? "");

  /** FNV-1a: tells the users of one browser apart without leaving their ids in it. */
  function mark(text) {
    let sum = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) sum = Math.imul(sum ^ byte, 0x01000193);
    return text && `u${(sum >>> 0).toString(36)}`;
  }

  /** JSON under a name; in this page's memory alone where the browser keeps nothing for it. */
  const memory = new Map();
  const makeStore = (area, name) => ({
    read() {
      try { return JSON.parse(area().getItem(name)) ?? {}; } catch { return memory.get(name) ?? {}; }
    },
    write(change) {
      const next = { ...this.read(), ...change };
      memory.set(name, next);
      try { area().setItem(name, JSON.stringify(next)); } catch { /* kept in memory above */ }
      return next;
    },
    clear() {
      memory.delete(name);
      try { area().removeItem(name); } catch { /* nothing was kept there */ }
    },
  });
  const device = makeStore(() => localStorage, "parley:device");
  const lots = makeStore(() => localStorage, `parley:lot:${given.survey}`);
  const tab = makeStore(() => sessionStorage, `parley:page:${given.survey}`);
  // One place a person: what one began, the next who uses this browser is not shown.
  const place = () => [`parley:${given.survey}`, visitor()].filter(Boolean).join(":");
  const ownStore = () => makeStore(() => localStorage, place());
  const ownVisit = () => makeStore(() => sessionStorage, place());

  // --- telling the page ---------------------------------------------------------------------------

  function emit(name, detail = {}) {
    const full = { survey_id: given.survey, ...detail };
    for (const listener of listeners.get(name) ?? []) {
      try { listener(full); } catch (error) { setTimeout(() => { throw error; }); }
    }
    document.dispatchEvent(new CustomEvent(`parley:${name}`, { detail: full }));
  }

  function fail(code, message, more = {}) {
    console.error(`Parley: ${message}`);
    emit("error", { code, message, ...more });
  }

  /** The report of what a policy forbade comes a moment after the failure it caused. */
  const isForbidden = () => new Promise((resolve) => { setTimeout(() => resolve(forbidden.size > 0), 100); });

  /** Content-Security-Policy line to what it forbade, as far as it was ours. */
  const forbidden = new Map();
  document.addEventListener("securitypolicyviolation", (event) => {
    const at = event.blockedURI;
    if (![base, sockets].some((own) => at.startsWith(own))) return;
    const directive = event.effectiveDirective.replace(/-(elem|attr)$/, "");
    const line = directive === "connect-src" ? `connect-src ${base} ${sockets}` : `${directive} ${base}`;
    if (forbidden.has(line)) return;
    forbidden.set(line, at);
    fail("csp_blocked", `this page's Content-Security-Policy blocks ${at.split("?")[0]}. Add to it: ${line}`, { directive, line });
  });

  // --- the survey ---------------------------------------------------------------------------------

  let config = null;
  let loading = null;

  async function loadConfig() {
    const kept = tab.read();
    if (kept.config && kept.key === given.key && Date.now() < kept.until) return kept.config;
    const response = await fetch(`${base}/survey/${encodeURIComponent(given.survey)}?key=${encodeURIComponent(given.key)}`, { credentials: "omit" });
    const answer = await response.json();
    if (!response.ok) throw Object.assign(new Error(answer.detail), { code: answer.code });
    tab.write({ config: answer, key: given.key, until: Date.now() + answer.cache_seconds * 1000 });
    return answer;
  }

  function language() {
    const offered = config?.languages?.length ? config.languages : ["en"];
    const family = (tag) => tag.toLowerCase().split("-")[0];
    for (const wanted of [given.language, ...(navigator.languages ?? [])].filter(Boolean)) {
      const found = offered.find((one) => one.toLowerCase() === wanted.toLowerCase()) ?? offered.find((one) => family(one) === family(wanted));
      if (found) return found;
    }
    return offered[0];
  }

  function money(amount) {
    const currency = config.payment.currency;
    return new Intl.NumberFormat(language(), { style: "currency", currency, trailingZeroDisplay: "stripIfInteger" }).format(amount);
  }

  function payRange() {
    const { min, max } = config.payment;
    return min === max ? money(max) : `${money(min)} – ${money(max)}`;
  }

  /** Of an answer this browser began: open, done, or none. */
  function standing() {
    const { session, isDone } = ownStore().read();
    if (!session) return "none";
    if (isDone) return "done";
    return Date.parse(session.expires_at) > Date.now() ? "open" : "none";
  }

  function isWanted() {
    if (standing() !== "none") return true;
    if (config.status !== "active") return false;
    const rules = config.targeting ?? {};
    const known = device.read();
    if (rules.url_contains?.length && !rules.url_contains.some((part) => location.href.includes(part))) return false;
    const isMobile = matchMedia("(max-width: 640px), (pointer: coarse) and (max-width: 1024px)").matches;
    if (rules.device && rules.device !== "all" && (rules.device === "mobile") !== isMobile) return false;
    if (rules.audience && rules.audience !== "all" && (rules.audience === "returning") !== Boolean(known.device_key)) return false;
    if (rules.cooldown_days && Date.now() < (known.dismissed_at ?? 0) + rules.cooldown_days * 24 * HOUR) return false;
    // A visitor is once in or out, not anew with each page.
    const lot = lots.read().lot ?? lots.write({ lot: Math.random() * 100 }).lot;
    return lot < (rules.percent ?? 100);
  }

  function countStep(step) {
    const body = JSON.stringify({ step, publishable_key: given.key });
    fetch(`${base}/survey/${given.survey}/funnel`, { method: "POST", body, headers: { "Content-Type": "application/json" }, credentials: "omit", keepalive: true }).catch((error) => console.warn(`Parley: a step was not counted (${error.message})`));
  }

  // --- the launcher -------------------------------------------------------------------------------

  const host = document.createElement("parley-widget");
  const root = host.attachShadow({ mode: "open" });
  let bar = null;

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...children);
    return made;
  }

  /** Text on the page's own colour is black or white, whichever reads better on it. */
  function matchColour(sample) {
    const parts = getComputedStyle(sample).backgroundColor.match(/[\d.]+/g)?.slice(0, 3).map(Number);
    if (!parts || !getComputedStyle(host).getPropertyValue("--parley-color").trim()) return;
    const [r, g, b] = parts.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    host.style.setProperty("--auto-on", 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff");
  }

  function mount() {
    if (host.isConnected) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    for (const name of ["theme", "position", "mode"]) if (given[name]) host.dataset[name] = given[name];
    const target = isInline ? document.getElementById(given.target ?? "") : document.body;
    if (!target) throw new Error(`there is no element with the id "${given.target}" for the widget`);
    target.append(host);
  }

  function drawLauncher() {
    bar?.remove();
    const words = TEXTS[language().slice(0, 2)] ?? TEXTS.en;
    const state = standing();
    const label = element("span", "words", element("span", "", { open: words.resume, done: words.result }[state] ?? words.ask));
    if (state === "none" && config.payment.max > 0) label.append(element("span", "pay", words.earn.replace("{pay}", payRange())));
    const open = element("button", state === "none" ? "open" : "open only", icon("talk"), label);
    open.type = "button";
    open.setAttribute("aria-haspopup", "dialog");
    open.setAttribute("aria-expanded", "false");
    open.addEventListener("click", () => api.open());
    bar = element("div", "bar", open);
    bar.lang = language();
    if (state === "none") {
      const hide = element("button", "hide", icon("close"));
      hide.type = "button";
      hide.setAttribute("aria-label", words.hide);
      hide.addEventListener("click", () => {
        device.write({ dismissed_at: Date.now() });
        bar.hidden = true;
      });
      bar.append(hide);
    }
    bar.setAttribute("role", "region");
    bar.setAttribute("aria-label", `${config.company}: ${config.title}`);
    root.append(bar);
    matchColour(bar);
  }

  function showLauncher() {
    if (bar && !bar.hidden) return;
    mount();
    drawLauncher();
    if (!tab.read().isShown) {
      tab.write({ isShown: true });
      countStep("shown");
    }
    emit("shown");
  }

  function announceFailure() {
    const words = TEXTS[config ? language().slice(0, 2) : "en"] ?? TEXTS.en;
    if (bar) bar.querySelector(".words").replaceChildren(words.failed);
  }

  // --- the panel ----------------------------------------------------------------------------------

  const shared = {
    base, sockets, surveyId: given.survey, key: given.key, account: given.account, isInline, host, root, device, tab, forbidden,
    asksFirst: given.resume === "ask",
    emit, fail, countStep, language, money, payRange, standing,
    get config() { return config; },
    get identity() { return identity; },
    get visitor() { return visitor(); },
    /** Of the person who is here now, over tabs; hold on to it where an answer is awaited. */
    get store() { return ownStore(); },
    /** The same, of this tab alone. */
    get visit() { return ownVisit(); },
    forget,
    get launcher() { return bar?.querySelector(".open") ?? null; },
    matchColour,
    /** Told by the panel when it opens and closes. */
    setOpen(isOpen) {
      ownVisit().write({ isOpen });
      if (isInline) return;
      if (isOpen && bar) bar.hidden = true;
      if (!isOpen && given.trigger !== "manual") drawLauncher();
    },
  };

  function loadPanel() {
    loading ??= import(`${base}${MODULES}panel.js`)
      .then(async (module) => {
        config ??= await loadConfig();
        mount();
        return module.createPanel(shared);
      })
      .catch(async (error) => {
        loading = null;
        announceFailure();
        if (!(await isForbidden())) fail(error.code ?? "load_failed", `the widget could not be loaded: ${error.message}`);
        throw error;
      });
    return loading;
  }

  /** Take what this browser keeps of who is here now; that it answered once, it still knows. */
  function forget() {
    ownStore().clear();
    ownVisit().clear();
    if (!visitor()) device.write({ receipt_token: null });
  }

  /** Another person is here: nothing of the former one stays on the screen. */
  async function changeVisitor() {
    if (!config) return; // begin() has not looked yet
    if (loading) await (await loading).restart();
    if (bar && !bar.hidden) drawLauncher();
    if (!isInline) goOn();
  }

  /** A reload in the midst of an interview opens the panel again. */
  function goOn() {
    if (standing() !== "open" || !ownVisit().read().isOpen) return false;
    showLauncher();
    api.open({ focus: false });
    return true;
  }

  const api = {
    /** Open the panel; moves the focus into it unless told otherwise. */
    async open({ focus = true } = {}) {
      try {
        (await loadPanel()).open({ focus });
      } catch { /* told by loadPanel: as an event and on the console */ }
    },
    async close() {
      if (loading) (await loading).close();
    },
    /** Listen; returns the function that stops it. */
    on(name, listener) {
      if (!listeners.has(name)) listeners.set(name, new Set());
      listeners.get(name).add(listener);
      return () => listeners.get(name).delete(listener);
    },
    /** Say who visits: {user_id, exp, hmac} signed by your server, and attributes. */
    identify({ user_id, exp, hmac, attributes } = {}) {
      const before = visitor();
      identity = { ...(user_id ? { user: { user_id: String(user_id), exp, hmac } } : {}), ...(attributes ? { attributes } : {}) };
      if (visitor() !== before) changeVisitor();
    },
    /** Forget what this browser keeps of the person identified now; call it when they sign out. */
    forget() {
      forget();
      identity = {};
      changeVisitor();
    },
  };
  window.Parley = api;

  async function begin() {
    if (!given.survey || !given.key) return fail("not_configured", "data-survey and data-key are needed on the script tag; copy it from the install page.");
    try {
      config = await loadConfig();
    } catch (error) {
      if (!(await isForbidden())) fail(error.code ?? "unreachable", error.code ? error.message : `${base} could not be reached from this page (${error.message}).`);
      return;
    }
    emit("ready");
    if (isInline) return api.open({ focus: false });
    if (goOn()) return;
    if (given.trigger === "manual") return;
    const consider = () => { if (isWanted()) showLauncher(); };
    setTimeout(() => {
      consider();
      window.navigation?.addEventListener("currententrychange", consider);
      window.addEventListener("popstate", consider);
    }, Math.max(0, Number(given.delay) || 0) * 1000);
  }

  for (const [name, ...values] of queue) api[name]?.(...values);
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin, { once: true });
})();
