// Owns: the drawer in which a survey is tried out. The server keeps nothing of it: the whole
// conversation is in the signed token that goes to and fro.
import { request } from "../http.js";

/** @param {{form: HTMLFormElement, url: string}} options the builder's form; where a step is posted */
export function watchTryout({ form, url }) {
  const drawer = document.getElementById("tryout");
  const find = (name) => drawer.querySelector(`[data-try-${name}]`);
  const [list, problem, talk, text, send] = ["list", "error", "form", "text", "send"].map(find);
  const scroller = list.closest("[role=log]");
  let token = "";
  let run = 0; // a reply to a talk that was started over is dropped

  function show(role, words) {
    const row = document.createElement("li");
    row.className = `chat__turn chat__turn--${role}`;
    const who = document.createElement("span");
    who.className = "chat__who";
    who.textContent = { agent: "Interviewer", visitor: "You" }[role] ?? "";
    const said = document.createElement("p");
    said.className = "chat__text";
    said.textContent = words;
    row.append(who, said);
    list.append(row);
    scroller.scrollTop = scroller.scrollHeight;
    return row;
  }

  function complain(error) {
    const lines = error?.errors?.length ? error.errors : error ? [error.message] : [];
    problem.hidden = !lines.length;
    problem.replaceChildren(...lines.map((line) => {
      const item = document.createElement("p");
      item.textContent = line;
      return item;
    }));
  }

  function wait(isWaiting) {
    send.disabled = isWaiting;
    text.readOnly = isWaiting;
    send.setAttribute("aria-busy", String(isWaiting));
  }

  async function step(body) {
    const mine = run;
    complain(null);
    wait(true);
    const thinking = show("system", "The interviewer thinks…");
    try {
      const answer = await request(url, { method: "POST", body });
      if (mine !== run) return;
      token = answer.token;
      show("agent", answer.reply);
      if (answer.is_closed) show("system", "The interview is over: here a visitor would press Done.");
      talk.hidden = answer.is_closed;
      if (!answer.is_closed) text.focus();
    } catch (error) {
      if (mine !== run) return;
      complain(error);
      if (body.get("token")) {
        list.querySelector(".chat__turn--visitor:last-of-type")?.remove();
        text.value = body.get("text"); // nothing written is lost
      }
      talk.hidden = !token;
    } finally {
      thinking.remove();
      if (mine === run) wait(false);
    }
  }

  function begin() {
    run += 1;
    token = "";
    text.value = "";
    list.replaceChildren();
    talk.hidden = true;
    step(new FormData(form));
  }

  function say(event) {
    event?.preventDefault();
    const words = text.value.trim();
    if (!words || send.disabled) return;
    const body = new FormData();
    body.set("token", token);
    body.set("text", words);
    text.value = "";
    show("visitor", words);
    step(body);
  }

  form.querySelector("[data-try]").addEventListener("click", (event) => {
    event.preventDefault();
    drawer.showModal();
    begin();
  });
  find("again").addEventListener("click", begin);
  talk.addEventListener("submit", say);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) say(event);
  });
}
