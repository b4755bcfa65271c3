// @ts-check

/**
 * The token with which the page was opened, as https://HOST/#token=…: a fragment is not sent to any server. "": there is none.
 * @param {string} hash location.hash
 */
export function tokenIn(hash) {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
}

/**
 * Whose a token is, as it says itself: the server alone knows whether that is so. "": it does not say.
 * @param {string} token
 */
export function nickIn(token) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" ? sub : "";
  } catch {
    return "";
  }
}
