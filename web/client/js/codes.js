// @ts-check

/**
 * What a close code means for the one who was connected.
 * @typedef {object} CloseRule
 * @property {boolean} again whether to reconnect without being asked
 * @property {number} floorMs the least wait before that, in milliseconds
 */

/** No rule asks for a longer wait than this: 5 minutes in milliseconds. */
const LONGEST_FLOOR_MS = 300_000;

/**
 * The rule for a WebSocket close code. The server's own codes carry their meaning in
 * their range: 4000 to 4499 come back, after a breath; 4500 to 4999 stay away.
 * All others (1001, 1006, 1011, …) are accidents to recover from.
 * @param {number} code
 * @returns {CloseRule}
 */
export function closeRule(code) {
  if (code >= 4500 && code <= 4999) return { again: false, floorMs: 0 };
  if (code === 4029 || code === 4053) return { again: true, floorMs: 3000 };
  if (code >= 4000 && code <= 4499) return { again: true, floorMs: 1000 };
  return { again: true, floorMs: 0 };
}

/**
 * The wait that a Retry-After header asks for, in milliseconds; 0 when there is none
 * or it is not a number of seconds.
 * @param {string | null} header
 */
export function retryAfterMs(header) {
  const seconds = Number(header ?? "");
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_FLOOR_MS) : 0;
}
