// @ts-check

import { ask } from "./api.js";
import { confirm } from "./confirm.js";
import { el, table, toast } from "./dom.js";
import { count, said, when } from "./format.js";

/** @type {Record<string, (r: any) => { title: string, path: string, body: Record<string, unknown> }>} how a rule is lifted */
const lifts = {
  ban: (r) => ({ title: `Lift the ban of ${r.nick ?? r.addr}`, path: "unban", body: r.nick ? { nick: r.nick } : { addr: r.addr } }),
  mute: (r) => ({ title: `Let ${r.nick} speak`, path: "unmute", body: r.room ? { nick: r.nick, room: r.room } : { nick: r.nick } }),
  readonly: (r) => ({ title: `Let everybody speak in ${r.room}`, path: "readonly", body: { room: r.room, readonly: false } }),
};

/** @param {any} act */
const target = (act) => [act.nick ?? act.addr ?? act.mid, act.room].filter(Boolean).join(" in ") || (act.kind === "motd" ? said(act.text ?? "") : "–");

/** What is in force, what was done, and the message of the day. */
export function moderation() {
  const force = el("div"), done = el("div"), heading = el("h2", {}, "In force");
  const text = /** @type {HTMLTextAreaElement} */ (el("textarea", { maxLength: 1000, "aria-label": "Message of the day", placeholder: "What everybody is told who comes in" }));
  const addr = /** @type {HTMLInputElement} */ (el("input", { placeholder: "Address or prefix", "aria-label": "Address or prefix to ban", required: true }));
  let edited = false;
  text.addEventListener("input", () => (edited = true));
  async function refresh() {
    const [rules, trail, motd] = await Promise.all([ask("rules"), ask("audit", { query: { limit: 50 } }), ask("motd")]);
    const liftable = rules.rules.filter((/** @type {any} */ r) => lifts[r.kind]);
    heading.textContent = `In force · ${count(rules.count - (rules.rules.length - liftable.length))}`;
    force.replaceChildren(table(["What", "Who", "Until~", "Why", "By", ""], liftable.map((/** @type {any} */ r) => [
      el("span.pill", {}, r.kind), target(r), r.until ? when(r.until) : "for ever", r.reason ?? "–", r.by ?? "–",
      el("button.small", { async onclick() { if (await confirm({ ...lifts[r.kind](r), deed: "Lift", noReason: true })) await refresh(); } }, "Lift"),
    ]), "Nobody is banned or muted, and no room is read-only."));
    done.replaceChildren(table(["When~", "What", "Whom", "Why", "By"], trail.acts.map((/** @type {any} */ a) => [
      when(a.at), el("span.pill", {}, a.kind), target(a), a.reason ?? "–", a.by ?? "–",
    ]), "Nothing was done yet."));
    if (!edited) text.value = motd.text === null ? "" : said(motd.text);
  }
  const save = async () => {
    try {
      await ask("motd", { method: "PUT", body: { text: text.value } });
      edited = false;
      toast("The message of the day is changed.");
      await refresh();
    } catch (failed) {
      toast(/** @type {Error} */ (failed).message);
    }
  };
  const ban = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (await confirm({ title: `Ban ${addr.value}`, deed: "Ban", path: "ban", body: { addr: addr.value }, lasts: true })) {
      addr.value = "";
      await refresh();
    }
  };
  return {
    view: el("section", {},
      el("div.card", {}, el("form.bar", { onsubmit: ban }, heading, addr, el("button.danger", {}, "Ban address")), force),
      el("div.card", {}, el("h2", {}, "Message of the day"), text, el("div.bar", {}, el("button.primary.small", { onclick: save }, "Save"))),
      el("div.card", {}, el("h2", {}, "What was done"), done)),
    every: 5000, refresh,
  };
}
