// @ts-check

import { ask } from "./api.js";
import { byId, el, toast } from "./dom.js";

const times = [["600", "10 minutes"], ["3600", "An hour"], ["86400", "A day"], ["604800", "A week"], ["0", "For ever"]];

/**
 * Ask whether something is to be done, for how long and why, and do it.
 * @param {{ title: string, deed: string, path: string, method?: string, body?: Record<string, unknown>, lasts?: boolean, room?: boolean, noReason?: boolean }} what
 * @returns {Promise<boolean>} whether it was done
 */
export function confirm(what) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("ask"));
  return new Promise((resolve) => {
    const lasts = el("select", {}, ...times.map(([value, text]) => el("option", { value }, text)));
    const reason = el("input", { maxLength: 200, placeholder: "shown to whom it strikes" });
    const room = el("input", { maxLength: 64, placeholder: "everywhere" });
    const error = el("p.error", { role: "alert" });
    const sure = el("button.primary.danger", {}, what.deed);
    let done = false;
    const form = el("form", {
      async onsubmit(/** @type {Event} */ event) {
        event.preventDefault();
        /** @type {any} */ (sure).disabled = true;
        const body = { ...what.body };
        if (what.lasts) body.for_s = Number(/** @type {HTMLSelectElement} */ (lasts).value);
        const why = /** @type {HTMLInputElement} */ (reason).value, where = /** @type {HTMLInputElement} */ (room).value;
        if (what.room && where) body.room = where;
        try {
          if (what.method === "DELETE") await ask(what.path, { method: "DELETE", query: { reason: why } });
          else await ask(what.path, { method: "POST", body: why ? { ...body, reason: why } : body });
          done = true;
          toast(`Done: ${what.title}`);
          dialog.close();
        } catch (failed) {
          error.textContent = /** @type {Error} */ (failed).message;
          /** @type {any} */ (sure).disabled = false;
        }
      },
    },
    el("h2", {}, what.title),
    what.lasts && el("label", {}, "For how long", lasts),
    what.room && el("label", {}, "In which room", room),
    !what.noReason && el("label", {}, "Reason", reason),
    error,
    el("div.bar", {}, el("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), sure));
    dialog.replaceChildren(form);
    dialog.onclose = () => resolve(done);
    dialog.showModal();
  });
}
