// @ts-check
import { CLOSE, ERR } from "../codes.gen.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

/** @typedef {typeof en} Texts */

/**
 * The texts in the first language of the list that there is; English otherwise.
 * @param {readonly string[]} languages as in navigator.languages
 * @returns {Texts}
 */
export function textsFor(languages) {
  for (const language of languages) {
    if (/^zh\b/i.test(language)) return zh;
    if (/^en\b/i.test(language)) return en;
  }
  return en;
}

/**
 * A reason for not being connected, in words.
 * @param {Texts} texts
 * @param {import("../throng/throng.js").Why} why
 */
export function explain(texts, { kind, code, detail }) {
  switch (kind) {
    case "closed":
      if (code === CLOSE.origin && detail) return texts.sentAway(detail);
      if (code === CLOSE.token && detail) return texts.tokenRefused(detail);
      return texts.closeCodes[code] ?? texts.closed(code, detail);
    case "denied":
      return texts.denied(detail);
    case "odd":
      return texts.odd(code);
    default:
      return texts[kind];
  }
}

/**
 * A refusal in words.
 * @param {Texts} texts
 * @param {{ code: number, message: string }} error
 */
export function explainError(texts, { code, message }) {
  if ((code === ERR.forbidden || code === ERR.unauthorized) && message) return message; // what, and for how long, the server alone knows
  return texts.errors[code] ?? texts.error(code, message);
}
