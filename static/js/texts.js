// Owns: the page's words in its language, handed over by the server (core/page_texts.py).

const page = JSON.parse(document.getElementById("page-texts").textContent);

export const language = page.language;

export function say(key, values = {}) {
  const text = page.texts[key];
  if (text === undefined) throw new Error(`No text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** @returns {string} what a value of an open list is called; the value itself, or `unknown`, where that is not known */
export function sayChoice(group, value, unknown = value) {
  return page.texts[`${group}_${value}`] ?? unknown;
}

/** @returns {string} an English sentence of the server in the page's language, as far as it is known */
export function sayServed(text) {
  for (const [pattern, words] of page.phrases) {
    const found = new RegExp(`^(?:${pattern})$`).exec(text);
    if (found) return words.replace(/\{(\d)\}/g, (_, place) => found[Number(place)]);
  }
  return text;
}
