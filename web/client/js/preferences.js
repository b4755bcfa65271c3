// @ts-check

/** What somebody chose for this browser, whoever logs in. A browser may forbid storage; then nothing is remembered. */

/**
 * @param {"nick" | "theme" | "language" | "notify"} name
 * @returns {string} "" when nothing was chosen
 */
export function preference(name) {
  try {
    return localStorage.getItem(`throng.${name}`) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {"nick" | "theme" | "language" | "notify"} name
 * @param {string} value
 */
export function prefer(name, value) {
  try {
    localStorage.setItem(`throng.${name}`, value);
  } catch {
    // Nothing depends on it.
  }
}

const JOINED = "throng.joined";

/** The nick that this tab is in the chat with, also after a reload; "" for none. */
export function joinedNick() {
  try {
    return sessionStorage.getItem(JOINED) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} nick "" for none */
export function setJoinedNick(nick) {
  try {
    if (nick) sessionStorage.setItem(JOINED, nick);
    else sessionStorage.removeItem(JOINED);
  } catch {
    // Then a reload asks for the nick again.
  }
}
