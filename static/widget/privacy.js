// Owns: taking a copy of what was said, and erasing it. The receipt is the only key to both.
import { button, h, icon, isBusy, setBusy } from "./dom.js";
import { bearer, request } from "./http.js";

export function drawPrivacy(panel) {
  const { session } = panel.shell.store.read();
  const address = `${panel.shell.base}/session/${session.session_id}/data`;
  const headers = bearer(session.receipt_token);
  const heading = panel.heading("title", panel.t("privacy_title"));
  const told = h("p.small", { role: "status" });
  const copy = button(panel.t("export"), { iconName: "download", onclick: download });
  const erase = button(panel.t("erase"), { kind: "danger", iconName: "trash", onclick: eraseAll });
  const back = () => panel.show(panel.shell.store.read().result ? "result" : "problem", {});

  async function download() {
    if (isBusy(copy)) return;
    setBusy(copy, true);
    try {
      const content = await request(address, { headers });
      const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
      h("a", { href: url, download: `${session.session_id}.json` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      told.textContent = panel.t("exported");
    } catch (error) {
      await panel.showProblem(error, () => panel.show("privacy"));
    } finally {
      setBusy(copy, false);
    }
  }

  async function eraseAll() {
    const isSure = await panel.confirm({ title: panel.t("erase"), text: panel.t("erase_ask"), go: panel.t("erase_go"), stay: panel.t("cancel"), kind: "danger" });
    if (!isSure || isBusy(erase)) return;
    setBusy(erase, true);
    try {
      const answer = await request(address, { method: "DELETE", headers });
      await panel.show("erased", { kept: answer.kept });
    } catch (error) {
      await panel.showProblem(error, () => panel.show("privacy"));
    }
  }

  return {
    element: h("div.screen", {},
      heading, h("p", {}, panel.t("privacy_text")),
      h("div.stack", {}, copy, erase), told,
      h("div.foot", {}, button(panel.t("back"), { kind: "quiet", onclick: back }))),
    focus: heading,
    escape: () => { back(); return true; },
  };
}

export function drawErased(panel) {
  const heading = panel.heading("title", panel.t("erased_title"));
  return {
    element: h("div.screen.screen--middle", {},
      h("span.medal", { "aria-hidden": "true" }, icon("check")), heading,
      h("p", { role: "status" }, panel.t("erased_text")),
      !panel.shell.isInline && h("div.foot", {}, button(panel.t("close"), { onclick: () => panel.close() }))),
    focus: heading,
  };
}
