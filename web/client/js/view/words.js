// @ts-check
import { sameNick } from "../throng/throng.js";

/** @typedef {import("../chat/chat.js").Chat} Chat */

const DAY_MS = 86_400_000;

/**
 * How chats, days and times are written in a language.
 * @param {import("../texts/texts.js").Texts} texts
 */
export function wordsFor(texts) {
  const clock = new Intl.DateTimeFormat(texts.language, { hour: "2-digit", minute: "2-digit" });
  const whole = new Intl.DateTimeFormat(texts.language, { dateStyle: "full", timeStyle: "medium" });
  const date = new Intl.DateTimeFormat(texts.language, { day: "numeric", month: "short" });
  const longDate = new Intl.DateTimeFormat(texts.language, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  /** @param {number} ts */
  const daysAgo = (ts) => Math.round((new Date().setHours(0, 0, 0, 0) - new Date(ts).setHours(0, 0, 0, 0)) / DAY_MS);

  return {
    /** @param {Chat} chat */
    nameOf: (chat) => (chat.isEveryone ? texts.everyone : chat.name),

    /**
     * The last message, with its author where that is not plain.
     * @param {Chat} chat
     * @param {string} me
     */
    preview({ last, isDirect }, me) {
      if (!last) return "";
      const text = last.deleted ? texts.deleted : last.text;
      if (sameNick(last.from, me)) return texts.said(texts.you, text);
      return isDirect ? text : texts.said(last.from, text);
    },

    /** The time of today, the day of another. @param {number} ts */
    when: (ts) => (daysAgo(ts) === 0 ? clock : date).format(ts),

    /** @param {number} ts */
    clock: (ts) => clock.format(ts),

    /** @param {number} ts */
    whole: (ts) => whole.format(ts),

    /** @param {number} ts */
    day(ts) {
      const days = daysAgo(ts);
      return days === 0 ? texts.today : days === 1 ? texts.yesterday : longDate.format(ts);
    },
  };
}
