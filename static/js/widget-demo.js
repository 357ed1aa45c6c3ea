// Owns: the controls of the example page. Uses the widget as any page would: API, events, variables.
const root = document.querySelector("[data-widget-demo]");
const events = root.querySelector("[data-demo-events]");
const NAMES = ["ready", "shown", "consent", "started", "turn", "completed", "paid", "error"];

for (const name of NAMES) {
  document.addEventListener(`parley:${name}`, ({ detail }) => {
    root.querySelector("[data-demo-quiet]").hidden = true;
    const line = document.createElement("li");
    const label = document.createElement("b");
    label.textContent = name;
    const more = document.createElement("span");
    more.className = "muted mono small";
    const { survey_id: _, session_id: __, ...rest } = detail;
    more.textContent = Object.keys(rest).length ? JSON.stringify(rest) : "";
    line.append(label, more);
    events.prepend(line);
  });
}

root.querySelector("[data-demo-open]").addEventListener("click", () => window.Parley.open());
root.querySelector("[data-demo-close]").addEventListener("click", () => window.Parley.close());

for (const choice of root.querySelectorAll("[data-demo-colour]")) {
  choice.addEventListener("click", () => {
    document.documentElement.dataset.demoColour = choice.dataset.demoColour;
    for (const other of root.querySelectorAll("[data-demo-colour]")) other.setAttribute("aria-pressed", String(other === choice));
  });
}

root.querySelector("[data-demo-forget]").addEventListener("click", () => {
  for (const area of [localStorage, sessionStorage]) {
    for (const name of Object.keys(area)) if (name.startsWith("parley:")) area.removeItem(name);
  }
  location.reload();
});
