// @ts-check
// Made by room/event/gen from the server's own tables ("go generate ./room/event"). Not to be edited.

/**
 * A number of the protocol.
 * @typedef {object} Code
 * @property {string} name
 * @property {string} meaning in English, for developers
 * @property {boolean} again close codes: connect again without being asked; error codes: the same again may succeed later
 */

/** The subprotocol to offer. */
export const SUBPROTOCOL = "throng.v2.json";

/** Limits that every server has; the others come with the welcome. */
export const LIMITS = Object.freeze({
  maxBatch: 256, // objects in one frame
  maxCid: 64, // bytes of UTF-8
  maxPage: 100, // messages or users in one answer
  maxPositions: 1000, // conversations in one hello
  maxDepth: 64, // levels of arrays and objects in one frame
});

/** Close codes by name. */
export const CLOSE = Object.freeze({
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  unsupported: 1003,
  notUTF8: 1007,
  policy: 1008,
  tooBig: 1009,
  error: 1011,
  draining: 4001,
  slow: 4008,
  rate: 4029,
  full: 4053,
  badNick: 4500,
  token: 4501,
  origin: 4503,
  inUse: 4509,
  takenOver: 4510,
});

/**
 * Close codes by number.
 * @type {ReadonlyMap<number, Code>}
 */
export const CLOSE_CODES = new Map([
  [1000, { name: "normal", meaning: "closed as asked", again: true }],
  [1001, { name: "goingAway", meaning: "the server stops", again: true }],
  [1002, { name: "protocol", meaning: "not the WebSocket protocol", again: true }],
  [1003, { name: "unsupported", meaning: "a binary message, where the chat is text", again: true }],
  [1007, { name: "notUTF8", meaning: "a text that is not UTF-8", again: true }],
  [1008, { name: "policy", meaning: "against the rules", again: true }],
  [1009, { name: "tooBig", meaning: "a message larger than the limit", again: true }],
  [1011, { name: "error", meaning: "a fault of the server", again: true }],
  [4001, { name: "draining", meaning: "the server is about to stop", again: true }],
  [4008, { name: "slow", meaning: "too slow a reader", again: true }],
  [4029, { name: "rate", meaning: "too many messages a second", again: true }],
  [4053, { name: "full", meaning: "the server is at capacity", again: true }],
  [4500, { name: "badNick", meaning: "a nick against the rules", again: false }],
  [4501, { name: "token", meaning: "a token that is refused or expired", again: false }],
  [4503, { name: "origin", meaning: "a page of another origin, or banned", again: false }],
  [4509, { name: "inUse", meaning: "the nick is in use", again: false }],
  [4510, { name: "takenOver", meaning: "taken over by a newer session", again: false }],
]);

/** Codes of err by name. */
export const ERR = Object.freeze({
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  tooLarge: 413,
  slowDown: 429,
  internal: 500,
  unavailable: 503,
});

/**
 * Codes of err by number.
 * @type {ReadonlyMap<number, Code>}
 */
export const ERR_CODES = new Map([
  [400, { name: "malformed", meaning: "malformed or unknown", again: false }],
  [401, { name: "unauthorized", meaning: "a token or secret is missing, wrong or expired", again: false }],
  [403, { name: "forbidden", meaning: "not allowed", again: false }],
  [404, { name: "notFound", meaning: "no such nick, room or conversation", again: false }],
  [409, { name: "conflict", meaning: "somebody else has it", again: false }],
  [413, { name: "tooLarge", meaning: "larger than a limit of the welcome", again: false }],
  [429, { name: "slowDown", meaning: "too much at once", again: true }],
  [500, { name: "internal", meaning: "a fault of the server", again: true }],
  [503, { name: "unavailable", meaning: "the server is full, stopping or cannot store", again: true }],
]);

/**
 * Whether to connect again without being asked after a close code, one that is not in the table included. After 4000 to
 * 4499 wait for retry_after_ms first; always wait a random time.
 * @param {number} code
 */
export function reconnects(code) {
  return code < 4500 || code > 4999;
}
