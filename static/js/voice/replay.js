// Owns: a transcript in step with its recording: what is heard is marked, a press on a turn plays it.

const recordings = [...document.querySelectorAll("audio[data-recording]")];
// Segment id to {recording, seconds}.
const places = JSON.parse(document.getElementById("replay-places").textContent);
const turns = [...document.querySelectorAll("[data-turn]")]
  .map((row) => ({ row, ...places[row.dataset.turn] }))
  .filter(({ recording }) => recording);

function playerOf(id) {
  return recordings.find((one) => one.dataset.recording === id);
}

function mark(audio) {
  const spoken = turns.filter(({ recording, seconds }) => recording === audio.dataset.recording && seconds <= audio.currentTime + 0.05);
  const current = audio.paused && audio.currentTime === 0 ? null : spoken.at(-1)?.row;
  for (const { row } of turns) {
    const isCurrent = row === current;
    if (isCurrent && !row.classList.contains("is-playing")) row.scrollIntoView({ block: "nearest" });
    row.classList.toggle("is-playing", isCurrent);
    if (isCurrent) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

for (const audio of recordings) {
  audio.addEventListener("timeupdate", () => mark(audio));
  audio.addEventListener("play", () => {
    for (const other of recordings) if (other !== audio) other.pause();
  });
}

for (const { row, recording, seconds } of turns) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--quiet button--small";
  const minutes = Math.floor(seconds / 60);
  button.textContent = `▶ ${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const label = row.parentElement.dataset.playFrom;
  button.setAttribute("aria-label", label.replace("{minutes}", minutes).replace("{seconds}", Math.floor(seconds % 60)));
  button.addEventListener("click", () => {
    const audio = playerOf(recording);
    audio.currentTime = seconds;
    audio.play();
  });
  row.append(button);
}
