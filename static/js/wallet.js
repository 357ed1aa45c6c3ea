// Owns: the wallet page. Takes the receipt from behind the # and shows what it opens; the receipt
// travels only in a header and stays in this tab's storage for the way to the provider and back.
import { request } from "./http.js";
import { showToast } from "./ui/toast.js";

const STORAGE_KEY = "parley.wallet.receipt";
const RECEIPT = /^rt_[A-Za-z0-9_-]{20,}$/;
const STATES = {
  paid: ["Paid", "good"],
  approved: ["On its way", "info"],
  sending: ["On its way", "info"],
  requested: ["On its way", "info"],
  unclaimed: ["Waiting for you", "warn"],
  held: ["Being checked", "warn"],
  rejected: ["Not paid", "bad"],
  cancelled: ["Called off", "neutral"],
  failed: ["Failed", "bad"],
  reversed: ["Taken back", "bad"],
};

const UNPAID = new Set(["rejected", "cancelled", "failed", "reversed"]);

const root = document.querySelector("[data-wallet]");
const settings = JSON.parse(document.getElementById("wallet-settings").textContent);
const part = (name) => root.querySelector(`[data-wallet-${name}]`);
const language = document.documentElement.lang || undefined;
let receipt = readReceipt();
let wallet = null;
// One key a withdrawal: a second press, or a retry after a lost answer, takes nothing twice.
let withdrawalKey = crypto.randomUUID();

function readReceipt() {
  const given = decodeURIComponent(location.hash.slice(1));
  if (RECEIPT.test(given)) {
    sessionStorage.setItem(STORAGE_KEY, given);
    return given;
  }
  return sessionStorage.getItem(STORAGE_KEY) ?? "";
}

function call(url, options = {}) {
  const headers = { ...options.headers };
  if (receipt) headers.Authorization = `Bearer ${receipt}`;
  return request(url, { ...options, headers });
}

function show(view) {
  for (const element of root.querySelectorAll("[data-wallet-view]")) {
    element.hidden = element.dataset.walletView !== view;
  }
}

function formatAmount(amount, currency) {
  return new Intl.NumberFormat(language, { style: "currency", currency }).format(amount);
}

/** The amount as somebody would type it: 13.00, not 13. */
function plainAmount(amount, currency) {
  const { maximumFractionDigits } = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions();
  return amount.toFixed(maximumFractionDigits);
}

function fillBalances() {
  const template = part("balance-template");
  const rows = wallet.balances.map((one) => {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("[data-amount]").textContent = formatAmount(one.amount, one.currency);
    row.querySelector("[data-play]").hidden = !one.is_play_money;
    return row;
  });
  part("balances").replaceChildren(...rows);
  part("no-credit").hidden = rows.length > 0;
}

function fillWaiting() {
  const amounts = wallet.waiting.map((one) => formatAmount(one.amount, one.currency));
  part("waiting").hidden = amounts.length === 0;
  part("waiting-text").textContent = `${amounts.join(" and ")} waits until you say where to send it.`;
}

function fillHistory() {
  const template = part("line-template");
  const rows = wallet.history.map((line) => {
    const row = template.content.firstElementChild.cloneNode(true);
    const [label, tone] = STATES[line.state] ?? [line.state, "neutral"];
    row.querySelector("[data-title]").textContent =
      line.kind === "withdrawal" ? "Withdrawal" : line.title || "Survey";
    row.querySelector("[data-reference]").textContent = line.reference;
    const when = row.querySelector("[data-at]");
    when.dateTime = line.at;
    when.textContent = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(line.at));
    const state = row.querySelector("[data-state]");
    state.textContent = line.is_play_money ? `${label}, play money` : label;
    state.classList.add(`pill--${tone}`);
    const amount = row.querySelector("[data-amount]");
    // Money that did not arrive is crossed out; the state beside it says why.
    const shown = document.createElement(UNPAID.has(line.state) ? "s" : "span");
    shown.classList.toggle("wallet__amount--off", UNPAID.has(line.state));
    shown.textContent = formatAmount(line.amount, line.currency);
    amount.append(shown);
    return row;
  });
  part("history").replaceChildren(...rows);
  part("no-history").hidden = rows.length > 0;
  part("history").closest(".table-wrap").hidden = rows.length === 0;
}

function chosenBalance() {
  return wallet.balances[part("form").elements.source.selectedIndex];
}

function provider() {
  return wallet.providers[0] ?? { is_configured: false, is_ready: false, is_connected: false };
}

function fillSources() {
  const form = part("form");
  const options = wallet.balances.map((one, index) => {
    const kind = one.is_play_money ? ", play money" : "";
    return new Option(`${formatAmount(one.amount, one.currency)}${kind}`, String(index));
  });
  form.elements.source.replaceChildren(...options);
  part("withdraw").hidden = options.length === 0;
  if (options.length > 0) chooseSource();
}

function chooseSource() {
  const one = chosenBalance();
  const canSend = one.is_play_money || provider().is_ready;
  part("form").elements.amount.value = plainAmount(one.amount, one.currency);
  part("submit").disabled = !canSend;
  part("connect-real").hidden = canSend || !provider().is_configured;
  if (one.is_play_money) {
    part("hint").textContent = "This is play money: withdrawing takes it off the books here and sends nothing real.";
  } else if (!provider().is_configured) {
    part("hint").textContent = "This server has no payment provider yet. Your credit stays here until it has one.";
  } else if (!canSend) {
    part("hint").textContent = "Connect an account with the payment provider first.";
  } else {
    part("hint").textContent = "Sent to your account at the payment provider.";
  }
}

function fill() {
  fillBalances();
  fillWaiting();
  fillSources();
  fillHistory();
  part("keep").hidden = wallet.is_attached || !receipt;
  show(wallet.wallet_id === null ? "empty" : "open");
}

async function load() {
  if (!receipt && !settings.isSignedIn) {
    show("empty");
    return;
  }
  show("loading");
  try {
    wallet = await call(settings.walletUrl);
    fill();
  } catch (error) {
    if (error.status === 401 && receipt && settings.isSignedIn) {
      // An old receipt must not hide the account's own wallet.
      forgetReceipt();
      await load();
      return;
    }
    part("error").textContent = error.message;
    show("error");
  }
}

function forgetReceipt() {
  receipt = "";
  sessionStorage.removeItem(STORAGE_KEY);
  history.replaceState(null, "", location.pathname);
}

async function withdraw(event) {
  event.preventDefault();
  const one = chosenBalance();
  const button = part("submit");
  button.disabled = true;
  part("refused").hidden = true;
  part("done").textContent = "";
  try {
    const answer = await call(settings.withdrawUrl, {
      method: "POST",
      headers: { "Idempotency-Key": withdrawalKey },
      body: {
        amount: event.target.elements.amount.value.trim().replace(",", "."),
        currency: one.currency,
        provider: one.is_play_money ? "local" : "stripe",
        is_play_money: one.is_play_money,
      },
    });
    withdrawalKey = crypto.randomUUID();
    wallet = await call(settings.walletUrl);
    fill();
    part("done").textContent = answer.message;
    showToast(answer.message, { tone: "good" });
  } catch (error) {
    // A refused withdrawal moved nothing: what is sent next may differ, so it needs its own key.
    if (error.status >= 400 && error.status < 500) withdrawalKey = crypto.randomUUID();
    part("refused-text").textContent = error.message;
    part("refused").hidden = false;
  } finally {
    button.disabled = false;
    if (wallet.balances.length > 0) button.disabled = !(chosenBalance().is_play_money || provider().is_ready);
  }
}

async function attach() {
  try {
    wallet = await request(settings.attachUrl, { method: "POST", body: { receipt_token: receipt } });
    forgetReceipt();
    fill();
    showToast("The wallet belongs to your account now.", { tone: "good" });
  } catch (error) {
    showToast(error.message, { tone: "bad" });
  }
}

async function connect() {
  try {
    const { url } = await call(settings.connectUrl, { method: "POST" });
    location.assign(url);
  } catch (error) {
    showToast(error.message, { tone: "bad" });
  }
}

async function refreshAfterConnecting() {
  if (!new URLSearchParams(location.search).has("connected")) return;
  try {
    await call(settings.refreshUrl, { method: "POST" });
  } catch (error) {
    showToast(error.message, { tone: "bad" });
  }
}

part("form").addEventListener("submit", withdraw);
part("form").elements.source.addEventListener("change", chooseSource);
part("retry").addEventListener("click", load);
part("attach")?.addEventListener("click", attach);
for (const button of root.querySelectorAll("[data-wallet-connect]")) button.addEventListener("click", connect);
addEventListener("hashchange", () => {
  receipt = readReceipt();
  load();
});

await refreshAfterConnecting();
await load();
