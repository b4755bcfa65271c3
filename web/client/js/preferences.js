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

/** What this tab alone keeps, over a reload, until it is closed: the nick that it is in the chat with, and the token that lets it in. */

/**
 * @param {"joined" | "token"} name
 * @returns {string} "" when nothing is kept
 */
export function kept(name) {
  try {
    return sessionStorage.getItem(`throng.${name}`) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {"joined" | "token"} name
 * @param {string} value "" for none
 */
export function keep(name, value) {
  try {
    if (value) sessionStorage.setItem(`throng.${name}`, value);
    else sessionStorage.removeItem(`throng.${name}`);
  } catch {
    // Then a reload asks again.
  }
}
