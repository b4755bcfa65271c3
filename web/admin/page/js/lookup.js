// @ts-check

import { ask } from "./api.js";
import { confirm } from "./confirm.js";
import { el, facts } from "./dom.js";
import { when } from "./format.js";
import { messages } from "./rooms.js";

/** One message by its id, and what two people said to each other. */
export function lookup() {
  const found = el("div"), talk = el("div");
  const field = (/** @type {string} */ hint) =>
    /** @type {HTMLInputElement} */ (el("input", { placeholder: hint, "aria-label": hint, required: true, maxLength: 128 }));
  const mid = field("Message id"), one = field("A nick"), other = field("Another nick");
  /**
   * @param {HTMLElement} into
   * @param {() => Promise<void>} show
   */
  const submit = (into, show) => async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await show();
    } catch (failed) {
      into.replaceChildren(el("p.error", { role: "alert" }, /** @type {Error} */ (failed).message));
    }
  };
  async function state() {
    const id = mid.value.trim();
    const m = await ask(`message/${encodeURIComponent(id)}`);
    const yes = (/** @type {boolean} */ is) => el(`span.pill${is ? ".good" : ""}`, {}, is ? "yes" : "not yet");
    found.replaceChildren(facts([
      ["From", m.from_user], ["To", m.to_user ?? (m.room ? `room ${m.room}` : "everyone")], ["When", when(m.ts)], ["Seq", String(m.seq)], ["Stored", m.stored],
      ...(m.to_user ? /** @type {[string, Node][]} */ ([["Delivered", yes(m.delivered)], ["Read", yes(m.read)]]) : []),
    ]), el("div.bar", {}, el("button.small.danger", {
      onclick: () => confirm({ title: `Delete what ${m.from_user} said`, deed: "Delete", path: `message/${encodeURIComponent(id)}`, method: "DELETE" }),
    }, "Delete")));
  }
  async function read() {
    const page = await ask("history", { query: { user: one.value, with: other.value, limit: 50 } });
    talk.replaceChildren(messages(page.messages, read));
  }
  return {
    view: el("section", {},
      el("div.card", {}, el("form.bar", { onsubmit: submit(found, state) }, el("h2", {}, "A message"), mid, el("button", {}, "Look up")), found),
      el("div.card", {}, el("form.bar", { onsubmit: submit(talk, read) }, el("h2", {}, "Between two"), one, other, el("button", {}, "Read")), talk)),
    every: 0,
    async refresh() {},
  };
}
