// Owns: edits the server has not confirmed, kept in this browser so that a crash, a closed lid or a
// sign-out loses none. One entry a tab; a tab that is gone leaves its entry to the next one.

const PREFIX = "parley:executor:";
const TAB_KEY = "parley:tab";

/** A key no two living tabs share: a duplicated tab copies sessionStorage, but gets no lock. */
export async function openOutbox(executionId, userId) {
  const prefix = `${PREFIX}${userId}:${executionId}:`;
  let tab = readSession(TAB_KEY) ?? newId();
  if (!(await holdLock(prefix + tab))) {
    tab = newId();
    await holdLock(prefix + tab);
  }
  writeSession(TAB_KEY, tab);
  return new Outbox(prefix, tab);
}

export function newId() {
  return crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

class Outbox {
  constructor(prefix, tab) {
    this.prefix = prefix;
    this.key = prefix + tab;
  }

  /** @param {{base: object, mine: object}} entry */
  keep(entry) {
    try {
      localStorage.setItem(this.key, JSON.stringify(entry));
      return true;
    } catch {
      return false; // full or forbidden: the page then says that closing it would lose edits
    }
  }

  clear() {
    try {
      localStorage.removeItem(this.key);
    } catch {
      // nothing was kept then
    }
  }

  /** Return the entries of this tab and of tabs that are gone, and forget the latter. */
  async takeOver() {
    const living = await heldLocks(this.prefix);
    const found = [];
    for (const key of storedKeys(this.prefix)) {
      if (key !== this.key && (living === null || living.has(key))) continue;
      const entry = parse(localStorage.getItem(key));
      if (entry) found.push(entry);
      if (key !== this.key) localStorage.removeItem(key);
    }
    return found;
  }
}

function storedKeys(prefix) {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  } catch {
    return [];
  }
}

function parse(text) {
  try {
    const entry = JSON.parse(text);
    const isWhole = [entry?.base, entry?.mine].every((one) => Array.isArray(one?.done) && one.notes);
    return isWhole ? entry : null;
  } catch {
    return null;
  }
}

/** Hold a lock as long as the page lives; false when another tab has it. */
function holdLock(name) {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => {}) : null;
    });
  });
}

async function heldLocks(prefix) {
  if (!navigator.locks) return null;
  const { held } = await navigator.locks.query();
  return new Set(held.map((one) => one.name).filter((name) => name.startsWith(prefix)));
}

function readSession(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function writeSession(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // a new key at the next load is all that costs
  }
}
