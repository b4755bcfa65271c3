// @ts-check
import { byId } from "./dom.js";

/** How long a word stays, in milliseconds. */
const SHOWN_MS = 4000;

/** @type {any} */
let timer = null;

/**
 * A word in passing.
 * @param {string} words
 */
export function toast(words) {
  clearTimeout(timer);
  byId("toast").textContent = words;
  timer = setTimeout(() => (byId("toast").textContent = ""), SHOWN_MS);
}
