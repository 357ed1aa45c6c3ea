// Owns: what comes after Done: evaluating, the result with its pay, the one appeal.
import { button, h, icon, isBusy, setBusy } from "./dom.js";
import { ProblemError, bearer, exchange, request } from "./http.js";
import { readResult } from "./start.js";

const RETRY_MS = [1000, 2000, 4000, 8000];
const LOOK_AGAIN_MS = [4000, 10_000, 30_000];
const DIMENSIONS = ["coverage", "relevance", "specificity", "depth", "clarity"];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// --- evaluating -----------------------------------------------------------------------------------

export function drawEvaluating(panel) {
  const heading = panel.heading("title", panel.t("evaluating"));
  const { store, visit } = panel.shell;
  let isGone = false;
  finish();

  async function finish() {
    try {
      const result = await complete(panel, store, () => isGone);
      if (!result) return;
      keepResult(panel, result, { store, visit });
      if (!isGone) await panel.show("result");
    } catch (error) {
      if (!isGone) await panel.showProblem(error, error.status === 0 || error.status >= 500 ? () => panel.show("evaluating") : null);
    }
  }

  return {
    element: h("div.screen.screen--middle", { role: "status" },
      h("div.pulse", { "aria-hidden": "true" }, h("span"), h("span"), h("span")),
      heading, h("p.soft", {}, panel.t("evaluating_text"))),
    focus: heading,
    dispose: () => { isGone = true; },
  };
}

/** Press Done as often as it takes; the server scores and pays once. Null when nobody waits any more. */
async function complete(panel, store, isGone) {
  const { session } = store.read();
  if (!session) throw new ProblemError({ status: 404, code: "session_not_found" });
  store.write({ isDone: true, draft: "", pending: [] });
  for (let attempt = 0; ; attempt += 1) {
    if (isGone()) return null;
    try {
      const { status, answer, retryAfterSeconds } = await exchange(`${panel.shell.base}/session/${session.session_id}/complete`, {
        method: "POST", body: {}, headers: bearer(session.session_token),
      });
      if (status === 200) return answer;
      await wait((retryAfterSeconds ?? 1) * 1000);
    } catch (error) {
      // Ended in another way, or the participant's token is over: the receipt still opens the answer.
      if (error.status >= 400 && error.status < 500 && error.status !== 429) return readResult(panel, store);
      if (attempt >= RETRY_MS.length) throw error;
      await wait(RETRY_MS[attempt]);
    }
  }
}

/** Keep it where the session was begun, whoever is here by the time it comes. */
function keepResult(panel, result, { store, visit }) {
  const before = store.read().result;
  store.write({ result, isDone: true });
  visit.write({ isTalking: false });
  const told = {
    session_id: result.session_id, score: result.score, payment_amount: result.payment_amount,
    currency: result.currency, payment_status: result.payment_status, transaction_id: result.transaction_id,
  };
  if (!before) {
    panel.shell.emit("completed", told);
    panel.shell.device.write({ dismissed_at: Date.now() });
  }
  if (result.payment_status === "success" && before?.payment_status !== "success") panel.shell.emit("paid", told);
}

// --- result ---------------------------------------------------------------------------------------

const isWaiting = (result) => ["pending", "held"].includes(result.payment_status) || result.status === "evaluating";
const mayAppeal = (result) => result.status === "completed" && !result.appeal && ["held", "failed", "none"].includes(result.payment_status);

export function drawResult(panel) {
  const heading = panel.heading("sr-only", panel.t("result_title"));
  const content = h("div.screen.screen--result", {});
  const { store, visit } = panel.shell;
  let timer = 0;
  let looks = 0;
  let isGone = false;
  draw();
  look();

  async function look({ isAsked = false } = {}) {
    clearTimeout(timer);
    try {
      const result = await readResult(panel, store);
      if (isGone) return;
      if (result.status === "erased") return panel.show("erased");
      const before = JSON.stringify(store.read().result);
      keepResult(panel, result, { store, visit });
      if (before !== JSON.stringify(result)) draw();
      else if (isAsked) panel.announce(panel.t("checked_again"));
      if (isWaiting(result) && looks < LOOK_AGAIN_MS.length) timer = setTimeout(look, LOOK_AGAIN_MS[looks++]);
    } catch (error) {
      // What is on screen was true a moment ago; only somebody who asked anew is told.
      if (isAsked) await panel.showProblem(error, () => panel.show("result"));
    }
  }

  function draw() {
    const { result } = store.read();
    const hadFocus = content.contains(panel.shell.root.activeElement);
    content.replaceChildren(...resultParts(panel, result, { heading, look }));
    if (hadFocus) heading.focus();
  }

  return { element: content, focus: heading, dispose: () => { isGone = true; clearTimeout(timer); } };
}

function resultParts(panel, result, { heading, look }) {
  const { session } = panel.shell.store.read();
  const isPlay = panel.shell.config.is_play_money && result.payment_amount > 0;
  const canOpenWallet = session.receipt_token && ["success", "pending"].includes(result.payment_status);
  return [
    heading,
    hero(panel, result),
    h("p.message", { role: "status" }, result.message),
    isPlay && h("p.fine.centre", {}, panel.t("wallet_play")),
    result.score !== null && scoreLine(panel, result),
    result.flags.length > 0 && result.payment_status === "held" && h("p.note", {}, icon("alert"),
      h("span", {}, panel.t("flags_text", { kinds: result.flags.map((name) => panel.words[`flag_${name}`] ?? name).join(", ") }))),
    result.appeal && h("p.note", {}, icon("clock"), h("span", {}, result.appeal.resolution
      ? [panel.t("appeal_resolved"), result.appeal.note].filter(Boolean).join(" ")
      : panel.t("appeal_filed", { time: panel.time(result.appeal.filed_at) }))),
    result.evaluation_notes && h("p.soft.pre", {}, result.evaluation_notes),
    result.questions.length > 0 && quality(panel, result),
    result.transaction_id && transaction(panel, result),
    h("div.foot", {},
      canOpenWallet && h("a.button.button--primary", { href: `${panel.shell.base}/wallet/#${encodeURIComponent(session.receipt_token)}`, target: "_blank", rel: "noopener noreferrer" },
        icon("wallet"), h("span", {}, panel.t("wallet"))),
      canOpenWallet && h("p.fine", {}, panel.t("wallet_text")),
      h("div.actions", {},
        isWaiting(result) && button(panel.t("check_again"), { onclick: () => look({ isAsked: true }) }),
        mayAppeal(result) && button(panel.t("appeal_go"), { onclick: () => panel.show("appeal") }),
        button(panel.t("privacy_go"), { kind: "quiet", iconName: "lock", onclick: () => panel.show("privacy") }),
        !panel.shell.isInline && button(panel.t("close"), { kind: "quiet", onclick: () => panel.close() }))),
  ].filter(Boolean);
}

function hero(panel, result) {
  const [label, name, tone] = {
    success: ["earned", "check", "good"], pending: ["on_its_way", "clock", "good"], held: ["held", "clock", "wait"],
    failed: ["not_paid", "alert", "plain"], none: [panel.shell.config.payment.max > 0 ? "not_paid" : "finished", "check", "plain"],
  }[result.payment_status];
  const isMoney = result.payment_amount > 0;
  const amount = new Intl.NumberFormat(panel.language, { style: "currency", currency: result.currency }).format(result.payment_amount);
  return h(`div.pay.pay--${tone}`, {},
    h("span.medal", { "aria-hidden": "true" }, icon(name)),
    h("p.pay__label", {}, panel.t(label)),
    isMoney && h("p.pay__amount", {}, amount));
}

function scoreLine(panel, result) {
  const fill = h("div.track__fill");
  fill.style.inlineSize = `${result.score}%`;
  return h("div.score", {},
    h("div.score__words", {}, h("span", {}, panel.t("score")), h("strong", {}, panel.t("score_of", { n: result.score }))),
    h("div.track", { "aria-hidden": "true" }, fill));
}

/** Marks of a question, 0 to 4 each, as one word and five small bars. */
function quality(panel, result) {
  return h("section.quality", { "aria-label": panel.t("quality") },
    panel.subheading(panel.t("quality")),
    h("ol.marks", {}, result.questions.map((entry) => {
      const marks = DIMENSIONS.filter((name) => name in entry.marks).map((name) => [name, entry.marks[name]]);
      const mean = marks.length ? Math.round(marks.reduce((sum, [, mark]) => sum + mark, 0) / marks.length) : 0;
      return h("li.mark", {},
        h("details", {},
          h("summary.mark__line", {},
            h("span.mark__question", {}, entry.question),
            h("span.mark__word", { "data-level": mean }, panel.t(`quality_${mean}`))),
          h("dl.dims", {}, marks.map(([name, mark]) => h("div.dim", {}, h("dt", {}, panel.t(name)), h("dd", {}, dots(mark))))),
          entry.note && h("p.soft.small", {}, entry.note)));
    })));
}

function dots(mark) {
  return h("span.dots", { role: "img", "aria-label": `${mark}/4` }, [1, 2, 3, 4].map((n) => h(n <= mark ? "i.dot.dot--on" : "i.dot")));
}

function transaction(panel, result) {
  const copy = button(panel.t("copy"), { kind: "quiet", iconName: "copy", onclick: async () => {
    try {
      await navigator.clipboard.writeText(result.transaction_id);
      copy.querySelector("span").textContent = panel.t("copied");
      panel.announce(panel.t("copied"));
    } catch {
      // Pages without TLS have no clipboard: select the text, so that the keys for copying work.
      getSelection().selectAllChildren(code);
    }
  } });
  const code = h("code", {}, result.transaction_id);
  return h("div.transaction", {}, h("span.small.soft", {}, panel.t("transaction")), h("div.transaction__line", {}, code, copy));
}

// --- appeal ---------------------------------------------------------------------------------------

export function drawAppeal(panel) {
  const { store, visit } = panel.shell;
  const { session } = store.read();
  const heading = panel.heading("title", panel.t("appeal_title"));
  const field = h("textarea.field.field--tall", { id: "parley-appeal", rows: "5", maxlength: "2000" });
  const send = h("button.button.button--primary", { type: "submit" }, h("span", {}, panel.t("appeal_send")));

  async function file(event) {
    event.preventDefault();
    if (isBusy(send)) return;
    setBusy(send, true);
    try {
      const result = await request(`${panel.shell.base}/session/${session.session_id}/appeal`, {
        method: "POST", body: { text: field.value.trim() }, headers: bearer(session.receipt_token),
      });
      keepResult(panel, result, { store, visit });
      await panel.show("result");
    } catch (error) {
      setBusy(send, false);
      await panel.showProblem(error, () => panel.show("result"));
    }
  }

  return {
    element: h("form.screen", { onsubmit: file },
      heading, h("p", {}, panel.t("appeal_text")),
      h("label.label", { for: "parley-appeal" }, panel.t("appeal_label")), field,
      h("div.foot", {}, h("div.actions", {}, button(panel.t("back"), { onclick: () => panel.show("result") }), send))),
    focus: heading,
    escape: () => { panel.show("result"); return true; },
  };
}
