// @ts-check

import { ask } from "./api.js";
import { confirm } from "./confirm.js";
import { el, table, toast } from "./dom.js";
import { count, said, when } from "./format.js";
import { directory, nicks } from "./people.js";

/** @param {(nick: string) => void} person shows one */
export function rooms(person) {
  const detail = el("div.card"), lines = el("div.card", { hidden: true });
  const list = directory("Rooms", "Name begins with", async (query) => {
    const answer = await ask("rooms", { query });
    const rows = table(["Room", "People#"], answer.rooms.map((/** @type {any} */ r) => [
      el("button.link", { onclick: () => open(r.room).catch((e) => toast(e.message)) }, r.room), count(r.count),
    ]), "No room has people.");
    return { rows, total: count(answer.count), next: answer.next };
  });
  /** @param {string} room */
  async function open(room) {
    const members = directory(room, "Nick begins with", async (query) => {
      const answer = await ask(`rooms/${encodeURIComponent(room)}/members`, { query });
      return { rows: nicks(answer.users, person), total: `${count(answer.count)} people`, next: answer.next };
    });
    const change = (/** @type {boolean} */ readonly) => () => confirm({
      title: readonly ? `Only moderators speak in ${room}` : `Everybody speaks in ${room}`, deed: readonly ? "Close" : "Open", path: "readonly",
      body: { room, readonly },
    });
    const [head, ...rest] = members.view.children;
    detail.replaceChildren(head, el("div.bar", {},
      el("button.small", { onclick: change(true) }, "Make read-only"), el("button.small", { onclick: change(false) }, "Let everybody speak"),
      el("button.small", { onclick: () => read(room).catch((e) => toast(e.message)) }, "Read the latest")), ...rest);
    lines.hidden = true;
    await members.refresh();
    if (matchMedia("(max-width: 52rem)").matches) detail.scrollIntoView({ block: "start" });
  }
  /** @param {string} room */
  async function read(room) {
    const page = await ask("history", { query: { room, limit: 50 } });
    lines.hidden = false;
    lines.replaceChildren(el("h2", {}, `The latest in ${room}`), messages(page.messages, () => read(room)));
  }
  detail.append(el("p.empty", {}, "Choose a room to see who is in it."));
  return { view: el("section", {}, el("section.pair", {}, list.view, detail), lines), every: 5000, refresh: () => list.refresh() };
}

/**
 * Messages, the newest first.
 * @param {any[]} all
 * @param {() => Promise<void>} again
 */
export function messages(all, again) {
  return table(["When~", "From", "Message", ""], all.toReversed().map((m) => [
    when(m.ts), m.from_user, said(m.message),
    el("button.small.danger", {
      async onclick() {
        if (await confirm({ title: `Delete what ${m.from_user} said`, deed: "Delete", path: `message/${m.mid}`, method: "DELETE" })) await again();
      },
    }, "Delete"),
  ]), "Nothing was said.");
}
