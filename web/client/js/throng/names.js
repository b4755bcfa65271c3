// @ts-check
import { nickKey } from "./nick.js";

// Conversations are named from the reader's side: "room:all", "room:<name>", "dm:<peer nick>".

/** The conversation of everyone. */
export const EVERYONE = "room:all";

/** @param {string} room */
export const roomConv = (room) => `room:${room}`;

/** @param {string} nick */
export const directConv = (nick) => `dm:${nick}`;

/**
 * The parts of a conversation's name.
 * @param {string} conv
 * @returns {{ direct: boolean, name: string }} `name` is a nick or a room
 */
export function partsOf(conv) {
  const colon = conv.indexOf(":");
  return { direct: conv.slice(0, colon) === "dm", name: conv.slice(colon + 1) };
}

/**
 * The form by which conversations are compared: names obey the nick rules.
 * @param {string} conv
 */
export function convKey(conv) {
  const { direct, name } = partsOf(conv);
  return (direct ? directConv : roomConv)(nickKey(name));
}

/** Whether a conversation's position goes with the hello; rooms are entered, with positions of their own. @param {string} conv */
export function isGreeted(conv) {
  return partsOf(conv).direct || convKey(conv) === EVERYONE;
}

/**
 * How a frame says where it is for.
 * @param {string} conv
 * @returns {{ to_user?: string, room?: string }}
 */
export function addressOf(conv) {
  const { direct, name } = partsOf(conv);
  if (direct) return { to_user: name };
  return convKey(conv) === EVERYONE ? {} : { room: name };
}

/**
 * Where a frame belongs, when it does not say so by `conv`.
 * @param {import("./frames.js").Frame} frame
 */
export function convOf({ conv, room, to_user: to, from_user: from }) {
  if (conv) return String(conv);
  if (to) return directConv(String(from));
  return room ? roomConv(String(room)) : EVERYONE;
}
