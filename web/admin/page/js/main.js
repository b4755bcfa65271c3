// @ts-check

import { ask, hasKey, onWantKey, useKey } from "./api.js";
import { byId, el } from "./dom.js";
import { span } from "./format.js";
import { lookup } from "./lookup.js";
import { moderation } from "./moderation.js";
import { overview } from "./overview.js";
import { people } from "./people.js";
import { rooms } from "./rooms.js";

/** @typedef {{ view: HTMLElement, every: number, refresh: (stats: any) => Promise<void> }} Part */

const folk = people();
/** @type {Record<string, Part>} */
const parts = {
  Overview: overview(), People: folk, Rooms: rooms((nick) => { choose("People"); folk.open(nick); }), Moderation: moderation(), Messages: lookup(),
};
let chosen = "Overview", timer = 0, isAsking = false;

/** @param {string} name of the part that is to be seen */
function choose(name) {
  chosen = name;
  for (const tab of byId("tabs").children) {
    if (tab.textContent === name) {
      tab.setAttribute("aria-current", "page");
      tab.scrollIntoView({ block: "nearest", inline: "center" });
    } else {
      tab.removeAttribute("aria-current");
    }
  }
  byId("main").replaceChildren(parts[name].view);
  window.scrollTo(0, 0);
  refresh();
}

/** Bring what is seen up to date, and again when its time has come. */
async function refresh() {
  clearTimeout(timer);
  if (isAsking || byId("app").hidden) return;
  isAsking = true;
  const part = parts[chosen];
  try {
    const stats = await ask("stats");
    drawHead(stats);
    await part.refresh(stats);
    byId("trouble").hidden = true;
  } catch (failed) {
    byId("trouble").textContent = `Not up to date: ${/** @type {Error} */ (failed).message}`;
    byId("trouble").hidden = false;
  }
  isAsking = false;
  if (part !== parts[chosen]) refresh();
  else timer = window.setTimeout(refresh, document.hidden ? 30_000 : part.every || 5000);
}

/** @param {any} stats */
function drawHead(stats) {
  byId("about").textContent = [stats.version, stats.node, `up ${span(stats.now - stats.started)}`].filter(Boolean).join(" · ");
  const health = byId("health");
  health.textContent = stats.draining ? "draining" : stats.problem || "healthy";
  health.className = `pill ${stats.draining || stats.problem ? "bad" : "good"}`;
}

/** @param {boolean} isIn */
function show(isIn) {
  byId("app").hidden = !isIn;
  byId("login").hidden = isIn;
  byId("leave").hidden = !hasKey();
  if (isIn) choose(chosen);
  else byId("key").focus();
}

byId("tabs").append(...Object.keys(parts).map((name) => el("button", { onclick: () => choose(name) }, name)));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
byId("leave").addEventListener("click", () => { useKey(null); byId("main").replaceChildren(); show(false); });
byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("key"));
  useKey(field.value.trim());
  await enter("This key is not known here.");
  field.value = "";
});
onWantKey(() => { useKey(null); show(false); });

/** @param {string} refused is what to say when the key is not taken */
async function enter(refused) {
  try {
    await ask("stats");
    byId("login-error").textContent = "";
    show(true);
  } catch (failed) {
    const { status, message } = /** @type {any} */ (failed);
    byId("login-error").textContent = status === 401 ? refused : message;
    show(false);
  }
}

enter("");
