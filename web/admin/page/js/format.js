// @ts-check

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** @param {number} n */
export const count = (n) => (Math.abs(n) < 100_000 ? whole.format(n) : short.format(n));

/** @param {number} n a second */
export const rate = (n) => (n === 0 ? "0" : n < 10 ? fine.format(n) : count(n));

/** @param {number} n */
export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${i === 0 || n >= 100 ? whole.format(n) : fine.format(n)} ${units[i]}`;
}

/** @param {number} ms */
export function millis(ms) {
  if (ms >= 1000) return `${fine.format(ms / 1000)} s`;
  return ms >= 1 || ms === 0 ? `${fine.format(ms)} ms` : `${fine.format(ms * 1000)} µs`;
}

/** @param {number} ms for how long */
export function span(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

/** @param {number} at ms since 1970 */
export function when(at) {
  if (!at) return "–";
  const date = new Date(at);
  const day = date.toDateString() === new Date().toDateString() ? undefined : "medium";
  return date.toLocaleString(undefined, { dateStyle: day, timeStyle: "medium" });
}

/** @param {unknown} value what was said, which may be any JSON */
export const said = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 1));
