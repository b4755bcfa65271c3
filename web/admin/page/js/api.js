// @ts-check

/** What the server has to say against a request. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const storedAs = "throng-admin-key";
/** @type {() => void} */
let wantKey = () => {};

/** @param {() => void} ask is called when the server wants a key, or another one */
export const onWantKey = (ask) => (wantKey = ask);
export const hasKey = () => sessionStorage.getItem(storedAs) !== null;

/** @param {string | null} key which this tab alone keeps, and no other */
export function useKey(key) {
  if (key === null) sessionStorage.removeItem(storedAs);
  else sessionStorage.setItem(storedAs, key);
}

/**
 * Ask the API.
 * @param {string} path below /api/
 * @param {{ method?: string, body?: unknown, query?: Record<string, string | number | undefined> }} [how]
 * @returns {Promise<any>}
 */
export async function ask(path, { method = "GET", body, query = {} } = {}) {
  const address = new URL(`/api/${path}`, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") address.searchParams.set(name, String(value));
  }
  /** @type {Record<string, string>} */
  const headers = {};
  const key = sessionStorage.getItem(storedAs);
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["Idempotency-Key"] = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const answer = await fetch(address, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit",
    signal: AbortSignal.timeout(15_000),
  });
  const text = await answer.json().catch(() => ({}));
  if (answer.ok) return text;
  if (answer.status === 401) wantKey();
  throw new Refusal(answer.status, text.error?.message ?? `the server answers ${answer.status}`);
}
