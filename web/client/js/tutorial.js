// @ts-check

/**
 * A chat message as the wire carries it.
 * @typedef {object} Message
 * @property {string} from the sender's nick; "system" for the server's notices
 * @property {string} to a nick; "" for everyone
 * @property {string} text
 */

/**
 * A frame of the tutorial dialect. The server stamps the sender itself; the field is
 * sent because the dialect has it.
 * @param {Message} message
 */
export function encode({ from, to, text }) {
  return JSON.stringify({ from_user: from, to_user: to, message: text });
}

/**
 * The message in a frame, or null when it is not one of this dialect. `message` may
 * be any JSON value; what is not a string is shown as the JSON that it is.
 * @param {string} frame
 * @returns {Message | null}
 */
export function decode(frame) {
  let value;
  try {
    value = JSON.parse(frame);
  } catch {
    return null;
  }
  if (typeof value?.from_user !== "string" || value.message === undefined) return null;
  const { from_user: from, to_user: to, message } = value;
  return {
    from,
    to: typeof to === "string" ? to : "",
    text: typeof message === "string" ? message : JSON.stringify(message, null, 2),
  };
}
