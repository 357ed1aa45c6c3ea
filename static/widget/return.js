// Owns: the way back to what was begun here: to a known person's own, or, on a device others may use
// too, behind a question that shows nothing of it.
import { button, h, icon, isBusy, setBusy } from "./dom.js";
import { bearer, request } from "./http.js";
import { startSession } from "./start.js";

export function drawResume(panel) {
  const { shell } = panel;
  const { store, visit } = shell;
  const { session, result } = store.read();
  const isDone = shell.standing() === "done";
  const isKnown = Boolean(shell.visitor);
  const begun = session.begun_at ? panel.time(session.begun_at) : "";
  const kind = isDone ? "device_done" : isKnown ? "resume" : "device_open";
  const heading = panel.heading("title", panel.t(`${kind}_title`));
  const go = button(panel.t(`${kind}_go`), { kind: "primary", iconName: isDone ? "check" : "play", onclick: goOn });
  const leave = isKnown
    ? button(panel.t("resume_drop"), { kind: "quiet", onclick: () => leaveIt("resume_drop", "resume_drop_ask", "danger") })
    : isDone
      ? button(panel.t("device_forget"), { onclick: () => leaveIt("device_forget", "device_forget_ask", "danger") })
      : button(panel.t("device_anew"), { onclick: () => leaveIt("device_anew", "device_anew_ask", "primary") });

  async function goOn() {
    if (isBusy(go)) return;
    setBusy(go, true);
    if (isDone) {
      visit.write({ isMine: true });
      return panel.show(result ? "result" : "evaluating");
    }
    try {
      await startSession(panel);
      await panel.show("conversation");
    } catch (error) {
      await panel.showProblem(error, error.status === 0 ? () => panel.show("resume") : null);
    }
  }

  async function leaveIt(title, text, tone) {
    const isSure = await panel.confirm({ title: panel.t(title), text: panel.t(text), go: panel.t(title), stay: panel.t("cancel"), kind: tone });
    if (!isSure) return;
    try {
      if (!isDone) await end(panel, session);
    } catch (error) {
      return panel.showProblem(error, () => panel.show("resume"));
    }
    shell.forget();
    await panel.showFirst();
  }

  return {
    element: h("div.screen.screen--middle", {},
      h("span.medal", { "aria-hidden": "true" }, icon("talk")),
      heading,
      h("p", {}, panel.t(`${kind}_text`, { time: begun })),
      !isDone && h("p.soft", {}, panel.t("resume_until", { time: panel.time(session.expires_at) })),
      h("div.foot", {}, go, leave)),
    focus: shell.isInline ? null : go,
  };
}

async function end(panel, session) {
  try {
    await request(`${panel.shell.base}/session/${session.session_id}`, { method: "DELETE", headers: bearer(session.session_token) });
  } catch (error) {
    // Over already, or its token is: there is nothing left to end.
    if (!(error.status >= 400 && error.status < 500 && error.status !== 429)) throw error;
  }
}
