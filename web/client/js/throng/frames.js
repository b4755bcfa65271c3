// @ts-check
import { LIMITS } from "../codes.gen.js";

/**
 * One object of the protocol; `t` names its kind, and the kind says what else there is.
 * @typedef {{ t: string, id?: number | string } & Record<string, any>} Frame
 */

/**
 * The events of a Throng, and what their `detail` is.
 * @typedef {object} Events
 * @property {import("./link.js").State} state
 * @property {Frame} welcome
 * @property {import("./conversation.js").Message} message each once, in the order of the conversation
 * @property {{ conv: string } & Page} reset what was known of a conversation has a hole: this is its newest page
 * @property {{ parcel: import("./outbox.js").Parcel, message: import("./conversation.js").Message }} stored one's own message was acknowledged; it may be pushed, too
 * @property {import("./outbox.js").Parcel | null} outbox it changed: this parcel, or any
 * @property {{ room: string, count: number, joined: string[], left: string[] }} presence
 * @property {{ conv: string, from: string }} typing
 * @property {{ conv: string, from: string, seq: number }} recv
 * @property {{ conv: string, from: string, seq: number }} read
 * @property {{ conv: string, seq: number, mid: string }} deleted what this message said is gone
 * @property {unknown} motd the message of the day, any JSON value; null when there is none
 * @property {import("./error.js").ThrongError} fault an err frame that answers nothing
 */

/** The most that is put into one text frame, in UTF-16 code units, each of which takes at most three bytes. */
const BATCH = 16 * 1024;

/**
 * The objects in a text frame. A line that is not an object is dropped; a missing `t` means "msg".
 * @param {string} text
 * @returns {Frame[]}
 */
export function decode(text) {
  const frames = [];
  for (const line of text.split("\n")) {
    const value = parse(line);
    if (value === null || typeof value !== "object" || Array.isArray(value)) continue;
    value.t ??= "msg";
    frames.push(value);
  }
  return frames;
}

/**
 * As few text frames as hold all objects, in their order. An object that is larger than a batch goes alone.
 * @param {Frame[]} frames
 * @param {number} [limit] the most bytes that the server takes in a frame
 * @returns {string[]}
 */
export function encode(frames, limit = Infinity) {
  const most = Math.min(BATCH, limit / 3);
  /** @type {string[]} */
  const batches = [];
  let count = 0;
  for (const line of frames.map((frame) => JSON.stringify(frame))) {
    const last = batches.at(-1);
    if (last !== undefined && count < LIMITS.maxBatch && last.length + line.length < most) {
      batches[batches.length - 1] = `${last}\n${line}`;
      count++;
    } else {
      batches.push(line);
      count = 1;
    }
  }
  return batches;
}

/**
 * The names in a list that a frame may have; none where it has no list.
 * @param {unknown} names
 */
export function listOf(names) {
  return Array.isArray(names) ? names.map(String) : [];
}

/** @param {string} line */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
