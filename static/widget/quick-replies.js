// Owns: the answers one press gives to closed questions. Typing stays possible beside them.

const SCALE = /\b([01])\s?(?:-|–|to|through|and|a|al|y|hasta)\s?(5|7|10)\b/i;
const OUT_OF = /\b(?:out of|sobre|de)\s(5|7|10)\b/i;

/** The scale a rating names in its text, else 1 to 5: the same reading as the interviewer's. */
function scaleOf(text) {
  const found = SCALE.exec(text);
  if (found) return [Number(found[1]), Number(found[2])];
  const outOf = OUT_OF.exec(text);
  return outOf ? [1, Number(outOf[1])] : [1, 5];
}

/** @returns {string[]} the replies to offer, none for open questions */
export function quickReplies(question, panel) {
  if (question.kind === "choice") return question.choices;
  if (question.kind === "yes_no") return [panel.t("yes"), panel.t("no")];
  if (question.kind !== "rating") return [];
  const [low, high] = scaleOf(question.text);
  return Array.from({ length: high - low + 1 }, (_, index) => String(low + index));
}
