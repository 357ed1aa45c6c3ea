// Owns: what stands before a conversation: header, invitation, consent, refusals.
import { button, h, icon, isBusy, setBusy } from "./dom.js";
import { startSession } from "./start.js";

const KNOWN_PROBLEMS = new Set([
  "already_answered", "not_eligible", "survey_not_active", "survey_closed", "budget_exhausted", "responses_full",
  "rate_limited", "user_signature_expired", "denied", "misuse",
]);

export function drawHeader(panel) {
  const { config, isInline } = panel.shell;
  return h(
    "div.head",
    {},
    h("span.swatch", { "aria-hidden": "true" }, icon("talk")),
    h("div.head__words", {},
      h("p.head__who", {}, config.company),
      h(isInline ? "h1.head__title" : "h2.head__title", { id: "parley-title", tabindex: "-1" }, config.title)),
    !isInline && h("button.tool", { type: "button", "aria-label": panel.t("close"), title: panel.t("close"), onclick: () => panel.close() }, icon("close")),
  );
}

function facts(panel) {
  const { max_minutes: minutes, question_count: count } = panel.shell.config;
  return h("ul.facts", {},
    h("li", {}, icon("clock"), panel.tn("minutes", minutes)),
    h("li", {}, icon("talk"), panel.tn("questions", count)));
}

function payHero(panel) {
  const { payment, is_play_money: isPlay } = panel.shell.config;
  if (payment.max <= 0) return h("p.lead", {}, panel.t("invite_unpaid"));
  return h("div.pay", {},
    h("p.pay__label", {}, panel.t("invite_earn")),
    h("p.pay__amount", {}, panel.shell.payRange()),
    h("p.pay__note", {}, panel.t(payment.min === payment.max ? "invite_exact" : "invite_range")),
    isPlay && h("p.pay__play", {}, panel.t("play_money")));
}

export function drawInvitation(panel) {
  const { config } = panel.shell;
  if (panel.shell.isInline) {
    if (!panel.shell.tab.read().isShown) {
      panel.shell.tab.write({ isShown: true });
      panel.shell.countStep("shown");
    }
    panel.shell.emit("shown");
  }
  const go = button(panel.t("invite_go"), { kind: "primary", onclick: () => panel.show("consent") });
  // A reply kept from before this server told languages has none: then typing alone is promised.
  const first = config.voice_languages?.includes(panel.language) ? "how_1_voice" : "how_1";
  const last = config.payment.max > 0 ? "how_3" : "how_3_unpaid";
  return {
    element: h("div.screen", {},
      h("p.lead", {}, panel.t("invite_lead", { company: config.company })),
      config.description && h("p.soft.pre", {}, config.description),
      payHero(panel),
      facts(panel),
      h("ol.steps", {}, [first, "how_2", last].map((key) => h("li", {}, h("span", {}, panel.t(key))))),
      h("div.foot.foot--stick", {}, go, h("p.fine", {}, panel.t("ai_note")))),
    focus: panel.shell.isInline ? null : go,
  };
}

function asksForWallet({ shell }) {
  return shell.asksFirst && !shell.visitor && shell.config.payment.max > 0 && Boolean(shell.device.read().receipt_token);
}

export function drawConsent(panel) {
  const { config, money } = panel.shell;
  const { payment } = config;
  const heading = panel.heading("title", panel.t("consent_title"));
  const go = button(panel.t("consent_go"), { kind: "primary", onclick: begin });
  // Somebody else may have earned what lies in this browser's wallet: they say whether it is theirs.
  const mine = asksForWallet(panel) ? h("input", { type: "checkbox" }) : null;
  const section = (name, title, text) => h("section.point", {}, icon(name), h("div", {}, panel.subheading(title), h("p", {}, text)));

  async function begin() {
    if (isBusy(go)) return;
    setBusy(go, true);
    go.querySelector("span").textContent = panel.t("starting");
    panel.shell.countStep("consented");
    panel.shell.emit("consent");
    try {
      await startSession(panel, { takesWallet: mine?.checked ?? true });
      await panel.show("conversation");
    } catch (error) {
      await panel.showProblem(error, () => panel.show("consent"));
    }
  }

  return {
    element: h("div.screen", {},
      heading,
      h("p.soft", {}, panel.t("consent_lead")),
      h("div.terms", {}, h("p.pre", {}, config.consent_text)),
      payment.max > 0 && section("coin", panel.t("consent_pay"),
        panel.t(payment.min === payment.max ? "consent_pay_one" : "consent_pay_text", { min: money(payment.min), max: money(payment.max) })),
      mine && h("label.check", {}, mine, h("span", {}, panel.t("wallet_mine"))),
      section("shield", panel.t("consent_record"), panel.t("consent_record_text", { company: config.company })),
      h("div.foot.foot--stick", {}, h("div.actions", {},
        button(panel.t("consent_no"), { onclick: () => (panel.shell.isInline ? panel.show("invitation") : panel.close()) }), go))),
    focus: heading,
  };
}

function explain(panel, error) {
  const line = [...panel.shell.forbidden.keys()][0];
  if ((!error.status || error.status === 0) && line) return [h("p", {}, panel.t("problem_csp")), h("pre.code", { tabindex: "0" }, line)];
  if (error.status === 0 || error instanceof TypeError) return [h("p", {}, panel.t("problem_network"))];
  const known = KNOWN_PROBLEMS.has(error.code);
  return [h("p", {}, known ? panel.t(`problem_${error.code}`) : error.message)];
}

/** `error` or `code`: what happened; `retry`: what the button does, none without. */
export function drawProblem(panel, { error = null, code = "", retry = null }) {
  const problem = error ?? { code, status: 409, message: "" };
  const isCalm = ["already_answered", "not_eligible", "survey_not_active", "survey_closed"].includes(problem.code);
  const heading = panel.heading("title", isCalm ? panel.shell.config.title : panel.t("problem_title"));
  const { session } = panel.shell.store.read();
  return {
    element: h("div.screen.screen--middle", {},
      h(`span.medal${isCalm ? "" : ".medal--bad"}`, { "aria-hidden": "true" }, icon(isCalm ? "talk" : "alert")),
      heading,
      h("div.say", { role: "alert" }, explain(panel, problem)),
      h("div.foot", {},
        retry && button(panel.t("retry"), { kind: "primary", onclick: retry }),
        session?.receipt_token && button(panel.t("privacy_go"), { kind: "quiet", onclick: () => panel.show("privacy") }),
        !panel.shell.isInline && button(panel.t("close"), { kind: retry ? "quiet" : "secondary", onclick: () => panel.close() }))),
    focus: heading,
  };
}
