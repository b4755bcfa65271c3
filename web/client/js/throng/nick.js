// @ts-check

/**
 * The form by which nicks are compared. It follows the server's (PRECIS Nickname,
 * RFC 8266): compatible characters, runs of spaces and letter case do not count.
 * @param {string} nick
 */
export function nickKey(nick) {
  return nick.normalize("NFKC").replace(/\s+/gu, " ").trim().toLowerCase();
}

/**
 * @param {string} a
 * @param {string} b
 */
export function sameNick(a, b) {
  return nickKey(a) === nickKey(b);
}

/**
 * The address of the chat socket for a nick, as http(s); null when no address can
 * name it: browsers take "." and ".." for steps in a path however they are encoded,
 * and half a surrogate pair has no UTF-8. All other rules are the server's to tell.
 * @param {string} nick
 * @param {string} base the page's address
 */
export function socketAddress(nick, base) {
  if (nick === "." || nick === "..") return null;
  try {
    return new URL(`conn/ws/${encodeURIComponent(nick)}`, base).href;
  } catch {
    return null;
  }
}
