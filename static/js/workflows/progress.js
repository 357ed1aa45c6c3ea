// Owns: what is done and noted of a run, as values. How edits, the last known state of the server
// and its newest state are put together. Pure: no page, no network, no clock.

/**
 * @typedef {{done: number[], notes: Record<string, string>}} Progress done ascending; no empty notes
 */

/** @returns {Progress} what a state of the API says */
export function progressOf(state) {
  return { done: [...state.steps_done].sort(byNumber), notes: { ...state.step_notes } };
}

export function copyOf(progress) {
  return { done: [...progress.done], notes: { ...progress.notes } };
}

export function withDone(progress, number, isDone) {
  const done = new Set(progress.done);
  if (isDone) done.add(number);
  else done.delete(number);
  return { done: [...done].sort(byNumber), notes: progress.notes };
}

export function withNote(progress, number, text) {
  const notes = { ...progress.notes };
  if (text === "") delete notes[number];
  else notes[number] = text;
  return { done: progress.done, notes };
}

export function isSame(one, other) {
  return sameSteps(one, other) && changedNotes(one, other).length === 0;
}

/** What to send so that the server's state becomes `wanted`. */
export function changeBetween(base, wanted) {
  const change = {};
  if (!sameSteps(base, wanted)) change.steps_done = wanted.done;
  const changed = changedNotes(base, wanted);
  if (changed.length) {
    change.step_notes = Object.fromEntries(changed.map((number) => [number, wanted.notes[number] ?? ""]));
  }
  return change;
}

/**
 * Put own edits upon a newer state, step by step.
 * A step's tick and its note are independent. Where both sides changed the same note, both texts
 * stay: nobody's words are dropped.
 * @param {Progress} base what both sides started from
 * @param {Progress} mine
 * @param {Progress} theirs
 * @returns {{merged: Progress, clashes: number[]}} clashes: steps whose notes were joined
 */
export function mergeThree(base, mine, theirs) {
  const before = new Set(base.done);
  const here = new Set(mine.done);
  const there = new Set(theirs.done);
  const done = [...new Set([...before, ...here, ...there])]
    .filter((number) => (here.has(number) === before.has(number) ? there : here).has(number))
    .sort(byNumber);
  const notes = {};
  const clashes = [];
  for (const number of noteNumbers(base, mine, theirs)) {
    const [old, own, other] = [base, mine, theirs].map((one) => one.notes[number] ?? "");
    let text = own;
    if (sameText(own, other)) text = own;
    else if (sameText(own, old)) text = other;
    else if (!sameText(other, old)) {
      text = joinTexts(other, own);
      if (text !== own && text !== other) clashes.push(Number(number));
    }
    if (text) notes[number] = text;
  }
  return { merged: { done, notes }, clashes };
}

function joinTexts(theirs, mine) {
  if (theirs.includes(mine)) return theirs;
  if (mine.includes(theirs)) return mine;
  return `${theirs}\n${mine}`;
}

/** The server takes white space off both ends; a space just typed is no change, and stays. */
function sameText(one, other) {
  return one.trim() === other.trim();
}

function sameSteps(one, other) {
  return one.done.length === other.done.length && one.done.every((number, at) => number === other.done[at]);
}

function changedNotes(one, other) {
  return noteNumbers(one, other).filter((number) => !sameText(one.notes[number] ?? "", other.notes[number] ?? ""));
}

function noteNumbers(...all) {
  return [...new Set(all.flatMap((one) => Object.keys(one.notes)))];
}

function byNumber(one, other) {
  return one - other;
}
