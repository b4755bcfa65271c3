// @ts-check
import { isEmojiOnly, partsOfText, wordsOf } from "../chat/words.js";
import { explainError } from "../texts/texts.js";
import { badge, colour } from "./badge.js";
import { fromTemplate, within } from "./dom.js";

/**
 * What is to be seen of a message, stored or on its way.
 * @typedef {object} Look
 * @property {string} from
 * @property {unknown} message
 * @property {number} ts
 * @property {boolean} mine
 * @property {boolean} isDirect
 * @property {boolean} deleted
 * @property {number} seq 0: it is on its way
 * @property {boolean} hasMore whether something can be done about it
 * @property {boolean} follows whether the heading was said just above
 * @property {"" | "queued" | "sent" | "stored" | "storedAway" | "delivered" | "read" | "failed"} fate "" for another's
 * @property {{ code: number, message: string } | null} error
 */

/** The picture of each fate. */
const ICONS = {
  queued: "i-queued",
  sent: "i-queued",
  stored: "i-stored",
  storedAway: "i-stored",
  delivered: "i-delivered",
  read: "i-delivered",
  failed: "i-failed",
};

/**
 * The element of a message.
 * @param {Look} look
 * @param {import("../texts/texts.js").Texts} texts
 * @param {ReturnType<typeof import("./words.js").wordsFor>} words
 */
export function lineElement(look, texts, words) {
  const { from, message, ts, mine, isDirect, follows, fate, deleted } = look;
  const text = deleted ? texts.deleted : wordsOf(message);
  const element = fromTemplate("line-template");
  element.classList.toggle("mine", mine);
  element.classList.toggle("direct", isDirect);
  element.classList.toggle("follows", follows);
  element.classList.toggle("large", isEmojiOnly(text));
  element.classList.toggle("deleted", deleted);
  element.classList.toggle("queued", fate === "queued");
  badge(within(element, ".badge"), from);
  const author = /** @type {HTMLButtonElement} */ (within(element, ".from"));
  colour(author, from);
  author.textContent = mine ? texts.you : from;
  author.disabled = mine || isDirect;
  author.dataset.nick = from;
  author.title = mine ? "" : texts.writeTo(from);
  fillText(within(element, ".text"), text);
  const more = within(element, ".more");
  Object.assign(more.dataset, { from, seq: look.seq, mine: String(mine) });
  more.hidden = !look.hasMore;
  const time = /** @type {HTMLTimeElement} */ (within(element, "time"));
  time.dateTime = new Date(ts).toISOString();
  time.textContent = words.clock(ts);
  time.title = words.whole(ts);
  if (fate) fillFate(element, fate, texts);
  if (fate === "failed" && look.error) {
    within(element, ".trouble").hidden = false;
    within(element, ".reason").textContent = texts.failed(explainError(texts, look.error));
  }
  return element;
}

/**
 * A text with its links made clickable. A link says where it leads, and the page it leads to learns nothing of ours.
 * @param {HTMLElement} element
 * @param {string} text
 */
function fillText(element, text) {
  for (const part of partsOfText(text)) {
    if (!part.href) {
      element.append(part.text);
      continue;
    }
    const link = document.createElement("a");
    link.href = part.href;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    link.textContent = part.text;
    element.append(link);
  }
}

/**
 * @param {HTMLElement} element
 * @param {Exclude<Look["fate"], "">} fate
 * @param {import("../texts/texts.js").Texts} texts
 */
function fillFate(element, fate, texts) {
  const mark = within(element, ".fate");
  const words = fate === "failed" ? "" : texts[fate];
  mark.hidden = false;
  mark.dataset.fate = fate;
  mark.title = words;
  within(mark, ".heard").textContent = words;
  within(mark, "use").setAttribute("href", `#${ICONS[fate]}`);
}
