// @ts-check

/**
 * A message in words: `message` may be any JSON value, and what is not a string is shown as the JSON that it is.
 * @param {unknown} message
 */
export function wordsOf(message) {
  return typeof message === "string" ? message : (JSON.stringify(message, null, 2) ?? "");
}

/** An address ends before the punctuation of its sentence. */
const LINK = /\bhttps?:\/\/[^\s<>"'`「」『』（）《》，。！？；：、]+/giu;
const TRAILING = /[.,;:!?*_~)\]}]+$/u;

/**
 * A text cut at its links, in order.
 * @param {string} text
 * @returns {{ text: string, href: string }[]} href "" for what is no link
 */
export function partsOfText(text) {
  const parts = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = trimmed(found);
    const href = hrefOf(link);
    if (!href) continue;
    if (index > at) parts.push({ text: text.slice(at, index), href: "" });
    parts.push({ text: link, href });
    at = index + link.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), href: "" });
  return parts;
}

/**
 * A closing bracket belongs to the link when it opened there.
 * @param {string} found
 */
function trimmed(found) {
  const link = found.replace(TRAILING, "");
  const rest = found.slice(link.length);
  return rest.startsWith(")") && link.split("(").length > link.split(")").length ? `${link})` : link;
}

/** @param {string} link */
function hrefOf(link) {
  try {
    const { protocol, hostname, href } = new URL(link);
    return hostname && (protocol === "https:" || protocol === "http:") ? href : "";
  } catch {
    return "";
  }
}

/** One emoji: a flag, or a picture with its variation and what is joined to it. */
const EMOJI = /(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}[\p{Emoji_Modifier}\uFE0F]?(?:\u200D\p{Extended_Pictographic}[\p{Emoji_Modifier}\uFE0F]?)*)/u;
/** One to three of them and nothing else are shown large. */
const EMOJI_ONLY = new RegExp(`^(?:${EMOJI.source}\\s?){1,3}$`, "u");

/** @param {string} text */
export function isEmojiOnly(text) {
  return text.length <= 60 && EMOJI_ONLY.test(text);
}

/**
 * Whether a text names a nick, as a word of its own or after an at sign.
 * @param {string} text
 * @param {string} nick
 */
export function mentions(text, nick) {
  const escaped = nick.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, "iu").test(text);
}
