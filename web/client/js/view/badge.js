// @ts-check
import { nickKey } from "../throng/throng.js";

/**
 * A colour for a nick: the same on every screen, as a hue in degrees.
 * @param {string} nick
 */
export function nickHue(nick) {
  let hash = 2166136261; // FNV-1a
  for (const char of nickKey(nick)) {
    hash = Math.imul(hash ^ /** @type {number} */ (char.codePointAt(0)), 16777619);
  }
  // Neighbouring hashes should not give neighbouring hues.
  return ((hash >>> 0) * 137.508) % 360;
}

/**
 * What stands in a nick's badge: its first character as a person counts them.
 * @param {string} nick
 */
export function nickInitial(nick) {
  const [first] = new Intl.Segmenter().segment(nick.trim());
  return first ? first.segment.toUpperCase() : "?";
}

/**
 * Give an element the colour of a nick, for the style sheet to use.
 * @param {HTMLElement} element
 * @param {string} nick
 */
export function colour(element, nick) {
  element.style.setProperty("--hue", nickHue(nick).toFixed(1));
}

/**
 * Make an element the badge of a nick or a room: its colour and its first letter.
 * @param {HTMLElement} element
 * @param {string} name
 * @param {boolean} [isRoom]
 */
export function badge(element, name, isRoom = false) {
  colour(element, name);
  element.classList.toggle("room", isRoom);
  element.textContent = nickInitial(name);
}
