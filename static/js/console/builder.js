// Owns: the survey builder in the page: rows of questions, the pay table, the budget note.
// Everything here the server also does; without this script the form works as it stands.
import { watchTryout } from "./tryout.js";

const settings = JSON.parse(document.getElementById("builder-settings").textContent);
const form = document.querySelector("[data-builder]");
const list = form.querySelector("[data-rows]");
const template = document.querySelector("[data-row-template]");
const rowStatus = form.querySelector("[data-row-status]");
const amountsIn = (currency) => new Intl.NumberFormat("en", { style: "currency", currency });
let amounts = amountsIn(settings.currency);
let tokens = list.children.length;

const rows = () => [...list.querySelectorAll("[data-row]")];

function say(words) {
  rowStatus.textContent = words;
}

/** Give the row of the template names of its own. */
function nameRow(row, token) {
  row.querySelector("[data-row-token]").value = token;
  for (const element of row.querySelectorAll("[id], [for], [name]")) {
    for (const attribute of ["id", "for", "name"]) {
      const value = element.getAttribute(attribute);
      if (value?.startsWith("qNEW-")) element.setAttribute(attribute, value.replace("qNEW-", `q${token}-`));
    }
  }
}

function number() {
  rows().forEach((row, index, all) => {
    row.querySelector("[data-row-number]").textContent = String(index + 1);
    for (const button of row.querySelectorAll("[data-row-do]")) {
      button.querySelector(".visually-hidden").textContent = ` question ${index + 1}`;
    }
    row.querySelector("[data-row-do=up]").disabled = index === 0;
    row.querySelector("[data-row-do=down]").disabled = index === all.length - 1;
  });
  form.querySelector("[data-no-rows]").hidden = rows().length > 0;
  form.querySelector("button[value=add]").disabled = rows().length >= settings.questionsMax;
}

function showChoices(row) {
  const isChoice = row.querySelector("[data-row-kind]").value === "choice";
  row.querySelector("[data-row-choices]").hidden = !isChoice;
}

function add() {
  const row = template.content.firstElementChild.cloneNode(true);
  nameRow(row, `n${tokens++}`);
  list.append(row);
  number();
  showChoices(row);
  row.querySelector("[data-row-name=text]").focus();
  say(`Question ${rows().length} added.`);
}

function change(row, action, button) {
  const all = rows();
  const at = all.indexOf(row);
  if (action === "remove") {
    row.remove();
    number();
    const next = rows()[Math.min(at, rows().length - 1)];
    (next?.querySelector("[data-row-name=text]") ?? form.querySelector("button[value=add]")).focus();
    say(`Question ${at + 1} removed.`);
    return;
  }
  const target = all[at + (action === "up" ? -1 : 1)];
  if (!target) return;
  if (action === "up") target.before(row);
  else target.after(row);
  number();
  if (button.disabled) row.querySelector("[data-row-name=text]").focus();
  else button.focus();
  say(`Now question ${rows().indexOf(row) + 1}.`);
}

/** The amount typed in a field in minor units, or null. */
function readMinor(name) {
  const text = form.elements[name].value.trim();
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) return null;
  return Math.round(Number(text) * 10 ** settings.decimals);
}

const show = (minor) => amounts.format(minor / 10 ** settings.decimals);

/** The same pure function as on the server: nothing below 25, then by bands of five from 50 on. */
function pay(score, low, high) {
  if (score < 25) return 0;
  const steps = Math.min(Math.max(Math.floor(score / 5) * 5 - 50, 0), 50);
  return low + Math.floor((2 * (high - low) * steps + 50) / 100);
}

function drawPay() {
  const low = readMinor("payment_min");
  const high = readMinor("payment_max");
  if (low !== null && high !== null && low <= high) {
    for (const cell of form.querySelectorAll("[data-pay-at]")) {
      cell.textContent = show(pay(Number(cell.dataset.payAt), low, high));
    }
    const path = curve(low, high);
    form.querySelector("[data-curve-line]").setAttribute("d", path);
    form.querySelector("[data-curve-area]").setAttribute("d", `${path}V100H0Z`);
    form.querySelector("[data-curve-top]").textContent = show(high);
  }
  drawBudget(high);
}

/** The pay of every score in a box of 100 by 100, its top at the highest pay. */
function curve(low, high) {
  let path = "M0 100";
  if (!high) return `${path}H100`;
  for (let score = 5; score <= 100; score += 5) {
    path += `H${score}V${100 - Math.round((100 * pay(score, low, high)) / high)}`;
  }
  return path;
}

function drawBudget(high) {
  const note = form.querySelector("[data-budget-note]");
  const funds = form.querySelector("[data-funds-note]");
  const answers = Number(form.elements.max_responses.value);
  const budget = readMinor("budget") ?? (high === null ? null : high * answers);
  if (!high || budget === null || !Number.isInteger(answers)) return;
  const covered = Math.floor(budget / high);
  note.textContent = covered >= answers
    ? `${show(budget)} covers all ${answers} answers, even each at the highest pay.`
    : `${show(budget)} is sure to cover ${covered} of ${answers} answers; more when they earn less than the highest pay.`;
  const currency = form.elements.currency?.value ?? settings.currency;
  if (currency !== settings.currency) {
    funds.textContent = `These funds are in ${settings.currency}. Those in ${currency} stand in the ledger.`;
    return;
  }
  const missing = budget - Number(funds.dataset.ownMinor) - Number(funds.dataset.freeMinor);
  const answersNow = Math.floor((budget - Math.max(0, missing)) / high);
  if (missing <= 0) funds.textContent = "Your funds cover this budget.";
  else if (answersNow < 1) funds.textContent = `Your funds do not cover one answer at ${show(high)}: add funds before you open it.`;
  else funds.textContent = `Your funds cover ${answersNow} of these answers at the highest pay. The other ${show(missing)} is taken from money you add later.`;
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.rowDo) {
    event.preventDefault();
    change(button.closest("[data-row]"), button.dataset.rowDo, button);
  } else if (button.value === "add") {
    event.preventDefault();
    add();
  }
});
/** Funds are kept by currency: those of another one are known when the survey is saved. */
function takeCurrency(currency) {
  amounts = amountsIn(currency);
  settings.decimals = amounts.resolvedOptions().maximumFractionDigits;
  for (const name of ["payment_min", "payment_max", "budget"]) {
    form.elements[name].parentElement.querySelector(".field__affix").textContent = currency;
  }
  drawPay();
}

form.addEventListener("change", (event) => {
  if (event.target.name === "currency") takeCurrency(event.target.value);
  if (event.target.matches("[data-row-kind]")) showChoices(event.target.closest("[data-row]"));
});
form.addEventListener("input", (event) => {
  if (/^(payment_min|payment_max|max_responses|budget)$/.test(event.target.name)) drawPay();
});

rows().forEach(showChoices);
number();
drawPay();
watchTryout({ form, url: settings.tryUrl });
