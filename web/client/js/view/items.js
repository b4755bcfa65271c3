// @ts-check
import { sameNick } from "../throng/throng.js";

/** @typedef {import("../chat/thread.js").Line} Line */
/** @typedef {import("../throng/throng.js").Parcel} Parcel */

/**
 * What stands in the list of messages.
 * @typedef {{ kind: "day", key: string, ts: number }
 *   | { kind: "new", key: string }
 *   | { kind: "line", key: string, cid?: string, look: import("./line.js").Look }} Item
 */

/** Messages of one sender that follow each other within this time share a heading. */
const SAME_BREATH_MS = 180_000;

/**
 * All that is to be seen of a chat, in order.
 * @param {import("../chat/chat.js").Chat} chat
 * @param {readonly Parcel[]} parcels
 * @param {string} me
 * @param {boolean} isModerator
 * @returns {Item[]}
 */
export function itemsOf(chat, parcels, me, isModerator = false) {
  /** @type {Item[]} */
  const items = [];
  let lastDay = "";
  /** @type {import("./line.js").Look | null} */
  let last = null;

  /**
   * @param {string} key
   * @param {import("./line.js").Look} look
   * @param {string} [cid]
   */
  const put = (key, look, cid) => {
    const day = new Date(look.ts).toDateString();
    if (day !== lastDay) {
      items.push({ kind: "day", key: `day ${day}`, ts: new Date(look.ts).setHours(0, 0, 0, 0) });
      last = null;
    }
    lastDay = day;
    look.follows = last !== null && last.from === look.from && look.ts - last.ts < SAME_BREATH_MS;
    items.push({ kind: "line", key, cid, look });
    last = look;
  };

  for (const line of chat.thread.lines) {
    if (line.seq === chat.unreadFrom) {
      items.push({ kind: "new", key: "new" });
      last = null;
    }
    put(line.key, lookOf(line, chat, me, isModerator));
  }
  if (!chat.thread.newer) {
    for (const parcel of unheard(parcels, chat.thread.lines, me)) put(parcel.cid, lookOfParcel(parcel, chat, me), parcel.cid);
  }
  return items;
}

/**
 * The parcels whose message was not heard. Everyone's echo of our message may come before its ack, and for that moment it
 * should not be seen twice.
 * @param {readonly Parcel[]} parcels
 * @param {readonly Line[]} lines
 * @param {string} me
 */
function unheard(parcels, lines, me) {
  if (parcels.length === 0) return parcels;
  const echoes = lines.slice(-20).filter(({ live, cid, from_user: from }) => live && !cid && sameNick(from, me));
  return parcels.filter((parcel) => {
    const at = echoes.findIndex(({ message }) => JSON.stringify(message) === JSON.stringify(parcel.message));
    if (at < 0) return true;
    echoes.splice(at, 1);
    return false;
  });
}

/**
 * @param {Line} line
 * @param {import("../chat/chat.js").Chat} chat
 * @param {string} me
 * @param {boolean} isModerator
 * @returns {import("./line.js").Look}
 */
function lookOf(line, chat, me, isModerator) {
  const { from_user: from, message, ts, seq, online, deleted = false } = line;
  const mine = sameNick(from, me);
  const reached = mine ? chat.fate(seq) : "";
  const fate = reached === "stored" && online === false ? "storedAway" : reached;
  const hasMore = !deleted && (mine || isModerator);
  return { from, message, ts, mine, deleted, seq, hasMore, isDirect: chat.isDirect, follows: false, fate, error: null };
}

/**
 * @param {Parcel} parcel
 * @param {import("../chat/chat.js").Chat} chat
 * @param {string} me
 * @returns {import("./line.js").Look}
 */
function lookOfParcel({ message, at, state, error }, chat, me) {
  return { from: me, message, ts: at, mine: true, deleted: false, seq: 0, hasMore: false, isDirect: chat.isDirect, follows: false, fate: state, error };
}
