// @ts-check
import { nickHue, nickInitial } from "../nick.js";

/**
 * Give an element the colour of a nick, for the style sheet to use.
 * @param {HTMLElement} element
 * @param {string} nick
 */
export function colour(element, nick) {
  element.style.setProperty("--hue", nickHue(nick).toFixed(1));
}

/**
 * Make an element the badge of a nick: its colour and its first letter.
 * @param {HTMLElement} element
 * @param {string} nick
 */
export function badge(element, nick) {
  colour(element, nick);
  element.textContent = nickInitial(nick);
}
