// @ts-check

import { ask } from "./api.js";
import { confirm } from "./confirm.js";
import { el, facts, table, toast } from "./dom.js";
import { bytes, count, span, when } from "./format.js";

const page = 50;

/**
 * A list that is searched by how names begin, and read page by page.
 * @param {string} title
 * @param {string} hint
 * @param {(query: { prefix: string, after: string, limit: number }) => Promise<{ rows: Node, total: string, next: string }>} read
 */
export function directory(title, hint, read) {
  /** @type {string[]} the afters of the pages up to this one */
  let turned = [""];
  const rows = el("div"), heading = el("h2", {}, title);
  const search = /** @type {HTMLInputElement} */ (el("input", {
    type: "search", placeholder: hint, "aria-label": hint, oninput() { turned = [""]; refresh(); },
  }));
  let following = "";
  const back = /** @type {HTMLButtonElement} */ (el("button.small", { onclick() { turned.pop(); refresh(); } }, "Back"));
  const next = /** @type {HTMLButtonElement} */ (el("button.small", { onclick() { turned.push(following); refresh(); } }, "Next"));
  let asked = 0;
  async function refresh() {
    const turn = ++asked;
    const answer = await read({ prefix: search.value, after: turned[turned.length - 1], limit: page });
    if (turn !== asked) return;
    heading.textContent = `${title} · ${answer.total}`;
    rows.replaceChildren(answer.rows);
    following = answer.next;
    back.disabled = turned.length === 1;
    next.disabled = following === "";
    back.hidden = next.hidden = back.disabled && next.disabled;
  }
  return { view: el("div.card", {}, el("div.bar", {}, heading, search), rows, el("div.bar", {}, back, next)), refresh };
}

/** @param {(nick: string) => void} open shows a person */
export const nicks = (/** @type {string[]} */ all, open) =>
  table(["Nick"], all.map((n) => [el("button.link", { onclick: () => open(n) }, n)]), "Nobody here by that name.");

/** Who is there, and what can be done about them. */
export function people() {
  const person = el("div.card", {}, el("p.empty", {}, "Choose somebody to see their sessions, and to mute, kick or ban them."));
  let shown = "";
  const list = directory("People", "Nick begins with", async (query) => {
    const answer = await ask("users", { query });
    return { rows: nicks(answer.users, open), total: `${count(answer.online)} online`, next: answer.next };
  });
  /** @param {string} nick */
  async function open(nick) {
    shown = nick;
    try {
      draw(await ask(`users/${encodeURIComponent(nick)}`));
    } catch (failed) {
      person.replaceChildren(el("h2", {}, nick), el("p.error", {}, /** @type {Error} */ (failed).message), deeds(nick));
    }
    if (matchMedia("(max-width: 52rem)").matches) person.scrollIntoView({ block: "start" });
  }
  /** @param {string} nick */
  function deeds(nick) {
    const deed = (/** @type {any} */ what) => async () => {
      if (await confirm(what)) await open(nick);
    };
    return el("div.bar", {},
      el("button.small", { onclick: deed({ title: `Mute ${nick}`, deed: "Mute", path: "mute", body: { nick }, lasts: true, room: true }) }, "Mute"),
      el("button.small", { onclick: deed({ title: `Kick ${nick}`, deed: "Kick", path: "kick", body: { nick } }) }, "Kick"),
      el("button.small.danger", { onclick: deed({ title: `Ban ${nick}`, deed: "Ban", path: "ban", body: { nick }, lasts: true }) }, "Ban"));
  }
  /** @param {any} user */
  function draw(user) {
    if (user.nick.toLowerCase() !== shown.toLowerCase() && shown === "") return;
    const now = Date.now();
    person.replaceChildren(
      el("div.bar", {}, el("h2", {}, user.nick), el(`span.pill${user.online ? ".good" : ""}`, {}, user.online ? "online" : "away")), deeds(user.nick),
      facts([
        ["First came", when(user.since)], ["Away since", user.online ? "–" : when(user.away)], ["Node", user.node || "–"],
        ["Comes back", user.returns ? "the nick is kept when they go away" : "no: the nick ends with the connection"],
        ["Rooms", user.rooms.join(", ") || "–"],
      ]),
      table(["Session", "Speaks", "For#", "Queued#", "State"], user.sessions.map((/** @type {any} */ s) => [
        s.id || "–", s.dialect, s.since ? span(now - s.since) : "–", bytes(s.queued),
        el(`span.pill.${s.slow ? "bad" : "good"}`, {}, s.slow ? "slow" : "keeps up"),
      ]), "No session."));
  }
  return {
    view: el("section.pair", {}, list.view, person),
    every: 5000,
    refresh: () => list.refresh(),
    open: (/** @type {string} */ nick) => open(nick).catch((e) => toast(e.message)),
  };
}
