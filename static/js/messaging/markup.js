// Owns: WhatsApp's markup as elements, by the rules of messaging/whatsapp_markup.py. All text stays text.

const MARKED =
  /```(?<block>[^]+?)```|`(?<code>[^`\n]+)`|(?<![\p{L}\p{N}_*])\*(?<bold>(?![\s*])[^*\n]*(?<!\s))\*(?![\p{L}\p{N}_*])|(?<![\p{L}\p{N}_])_(?<italic>(?![\s_])[^_\n]*(?<!\s))_(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_~])~(?<strike>(?![\s~])[^~\n]*(?<!\s))~(?![\p{L}\p{N}_~])/gu;
const ELEMENTS = { bold: "strong", italic: "em", strike: "s", block: "code", code: "code" };

export function appendMarked(node, text) {
  let end = 0;
  for (const found of text.matchAll(MARKED)) {
    node.append(text.slice(end, found.index));
    end = found.index + found[0].length;
    const [kind, inner] = Object.entries(found.groups).find(([, value]) => value !== undefined);
    const element = document.createElement(ELEMENTS[kind]);
    if (element.localName === "code") element.textContent = inner;
    else appendMarked(element, inner);
    node.append(element);
  }
  node.append(text.slice(end));
  return node;
}
