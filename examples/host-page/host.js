// What a shop's own script might do with the widget: open it, and listen.
const NAMES = ["ready", "shown", "consent", "started", "turn", "completed", "paid", "error"];

for (const name of NAMES) {
  document.addEventListener(`parley:${name}`, ({ detail }) => {
    const line = document.createElement("li");
    line.dataset.event = name;
    line.textContent = `${name} ${JSON.stringify(detail)}`;
    document.getElementById("events").append(line);
  });
}

// Works before the widget has loaded too: calls made early wait in this list.
window.Parley ??= [];
document.getElementById("ask").addEventListener("click", () => {
  if (Array.isArray(window.Parley)) window.Parley.push(["open"]);
  else window.Parley.open();
});
