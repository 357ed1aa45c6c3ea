// Owns: the outcome logger: drop, preview, checks before sending, sending, and what is said after.
// Nothing typed is cleared before the server has taken it.

import { formatLocalTimes } from "../ui/local-time.js";
import { newId } from "./outbox.js";
import { say, sayServed } from "../texts.js";
import { sendForm } from "./upload.js";

const settings = JSON.parse(document.getElementById("logger-settings").textContent);
const root = document.querySelector("[data-outcome]");
const form = root.querySelector("[data-outcome-form]");
const file = form.elements.proof;
const find = (name) => root.querySelector(`[data-${name}]`);
let previewUrl = null;

start();

function start() {
  form.addEventListener("submit", submit);
  form.addEventListener("input", (event) => showError(event.target.name, ""));
  file.addEventListener("change", () => takeFile());
  find("remove").addEventListener("click", () => {
    file.value = "";
    takeFile();
    file.focus();
  });
  watchDrops(find("drop"));
  takeFile();
  root.dataset.ready = "yes";
}

function watchDrops(zone) {
  // A file dropped beside the zone would otherwise open in place of the page.
  for (const name of ["dragover", "drop"]) {
    document.addEventListener(name, (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  }
  zone.addEventListener("dragover", () => zone.classList.add("is-over"));
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("is-over");
    if (!event.dataTransfer.files.length) return;
    if (event.dataTransfer.files.length > 1) {
      showError("proof", say("one_file"));
      return;
    }
    file.files = event.dataTransfer.files;
    takeFile();
  });
}

/** Show what was chosen, by click or drop alike, and say at once what cannot be sent. */
function takeFile() {
  if (previewUrl) URL.revokeObjectURL(previewUrl);
  previewUrl = null;
  const chosen = file.files[0];
  find("preview").hidden = !chosen;
  find("drop").hidden = Boolean(chosen);
  showError("proof", chosen ? whyNot(chosen) : "");
  if (!chosen) return;
  find("preview-name").textContent = chosen.name;
  find("preview-size").textContent = sayBytes(chosen.size);
  const image = find("preview-image");
  const showIcon = () => {
    image.hidden = true;
    find("preview-icon").hidden = false;
  };
  showIcon();
  if (!/\.(jpe?g|jfif|png|webp)$/i.test(chosen.name)) return;
  previewUrl = URL.createObjectURL(chosen);
  image.onload = () => {
    image.hidden = false;
    find("preview-icon").hidden = true;
  };
  image.onerror = showIcon;
  image.src = previewUrl;
}

function whyNot(chosen) {
  const ending = chosen.name.split(".").pop().toLowerCase();
  if (!settings.endings.includes(ending)) return say("file_kinds");
  if (chosen.size > settings.maxBytes) return say("file_too_large", { size: sayBytes(chosen.size) });
  if (chosen.size === 0) return say("file_empty");
  return "";
}

function unitField(metric) {
  return settings.unitFields[metric] ?? "";
}

/** @returns {boolean} nothing is obviously wrong; the server has the last word */
function check() {
  const faults = [];
  const metric = form.elements.metric_type.value;
  if (!form.elements.value.value.trim()) faults.push(["value", say("value_missing")]);
  if (metric === "custom" && !form.elements.label.value.trim()) faults.push(["label", say("label_missing")]);
  const refused = file.files[0] ? whyNot(file.files[0]) : "";
  if (refused) faults.push(["proof", refused]);
  for (const [name, text] of faults) showError(name, text);
  if (faults.length) focusField(faults[0][0]);
  return faults.length === 0;
}

async function submit(event) {
  if (event.submitter?.name === "language") return; // the server keeps what is typed
  event.preventDefault();
  const button = find("submit");
  if (button.getAttribute("aria-busy") === "true") return;
  showProblem("");
  if (!check()) return;
  button.setAttribute("aria-busy", "true");
  find("sending").hidden = false;
  try {
    const answer = await sendForm(settings.logUrl, readForm(), showSending);
    showLogged(answer);
  } catch (problem) {
    meet(problem);
  } finally {
    button.removeAttribute("aria-busy");
    find("sending").hidden = true;
  }
}

function readForm() {
  const metric = form.elements.metric_type.value;
  const sent = new FormData();
  for (const name of ["csrfmiddlewaretoken", "client_op_id", "value"]) sent.set(name, form.elements[name].value);
  sent.set("execution_id", settings.executionId);
  sent.set("user_id", settings.userId);
  sent.set("metric_type", metric);
  const unit = unitField(metric);
  sent.set("currency", unit ? form.elements[unit].value : "customers");
  const chosen = file.files[0];
  if (chosen) sent.set("proof", chosen);
  else sent.set("proof_type", "none");
  return sent;
}

function showSending(share) {
  find("sending-bar").value = Math.round(share * 100);
  find("sending-text").textContent = share < 1 ? say("sending_share", { share: Math.round(share * 100) }) : say("checking_file");
}

function meet(problem) {
  if (problem.status === 422 && problem.code === "client_op_id_reused") {
    // It was logged, and then changed here: this is another result.
    form.elements.client_op_id.value = newId();
  }
  const metric = form.elements.metric_type.value;
  let first = "";
  for (const fault of problem.errors ?? []) {
    let name = fault.pointer.slice(1);
    if (name === "currency") name = unitField(metric) || "metric_type";
    if (!root.querySelector(`[data-error-of="${name}"]`)) continue;
    showError(name, sayServed(fault.detail));
    first ||= name;
  }
  if (problem.code === "body_too_large") {
    showError("proof", say("body_too_large"));
    first ||= "proof";
  }
  const words = [401, 403].includes(problem.status)
    ? say("log_signed_out")
    : sayServed(problem.message);
  showProblem(first ? say("look_below") : words);
  if (first) focusField(first);
}

function showLogged(answer) {
  const row = find("logged-template").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-value]").textContent = sayServed(answer.display);
  const about = row.querySelector("[data-about]");
  about.textContent = say("just_now");
  const correct = document.createElement("a");
  correct.href = `/result/${answer.outcome_id}${settings.query}`;
  correct.textContent = say("correct");
  about.append(" · ", correct);
  if (answer.proof) {
    const link = document.createElement("a");
    link.href = answer.proof.url;
    link.textContent = answer.proof.name;
    about.append(" · ", link);
  }
  root.querySelector("[data-logged]").prepend(row);
  find("none-logged").hidden = true;
  formatLocalTimes(row);
  form.elements.value.value = "";
  file.value = "";
  takeFile();
  form.elements.client_op_id.value = newId();
  find("dialog-value").textContent = sayServed(answer.display);
  find("dialog-correct").href = `/result/${answer.outcome_id}${settings.query}`;
  find("logged-dialog").showModal();
}

function showProblem(text) {
  find("outcome-error").hidden = !text;
  find("outcome-error-text").textContent = text;
}

function showError(name, text) {
  if (!name) return;
  const line = root.querySelector(`[data-error-of="${name}"]`);
  if (!line) return;
  line.textContent = text;
  const field = form.elements[name];
  if (!(field instanceof Element)) return;
  if (text) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function focusField(name) {
  const field = name === "proof" && file.files[0] ? find("remove") : form.elements[name];
  (field instanceof Element ? field : field?.[0])?.focus();
}

function sayBytes(bytes) {
  if (bytes < 1024) return say("bytes", { count: bytes });
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
