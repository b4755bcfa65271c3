// @ts-check
import { People } from "../chat/people.js";
import { directConv, nickKey, roomConv, sameNick } from "../throng/throng.js";
import { badge } from "./badge.js";
import { byId, fromTemplate, within } from "./dom.js";
import { WindowedList } from "./list.js";
import { wordsFor } from "./words.js";

/** How long a search waits for the next letter, in milliseconds. */
const SEARCH_MS = 150;
/** The most people that are offered. */
const PEOPLE = 50;

/**
 * Somewhere to go.
 * @typedef {object} Goal
 * @property {string} conv
 * @property {string} label
 * @property {string} name whose badge it bears
 * @property {boolean} isRoom
 * @property {boolean} isNew whether it is a room that is to be entered
 */

/** Ctrl+K: go to a chat by the letters of its name, enter a room, or write to somebody who is here. */
export class SwitcherView {
  #dialog = /** @type {HTMLDialogElement} */ (byId("switcher"));
  #input = /** @type {HTMLInputElement} */ (byId("switcher-input"));
  #chats;
  #texts;
  #words;
  #list;
  #people;
  /** @type {any} */
  #timer = null;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../throng/throng.js").Throng} throng
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(goal: Goal) => void} onGo
   */
  constructor(chats, throng, texts, onGo) {
    this.#chats = chats;
    this.#texts = texts;
    this.#words = wordsFor(texts);
    this.#people = new People((range) => throng.presence("all", range));
    this.#list = new WindowedList(byId("switcher-list"), {
      height: 3,
      make: () => fromTemplate("person-row"),
      fill: (row, /** @type {Goal} */ goal) => {
        badge(within(row, ".badge"), goal.name, goal.isRoom);
        within(row, ".name").textContent = goal.label;
      },
      onPick: (goal) => {
        this.#dialog.close();
        onGo(goal);
      },
    });
    const { signal } = this.#abort;
    byId("find").addEventListener("click", () => this.open(), { signal });
    this.#input.addEventListener("input", () => this.#typed(), { signal });
    this.#input.addEventListener("keydown", (event) => this.#list.key(event), { signal });
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close(), { signal });
    this.#people.addEventListener("change", () => this.#draw(), { signal });
  }

  open() {
    if (this.#dialog.open) return;
    this.#input.value = "";
    this.#dialog.showModal();
    this.#input.focus();
    this.#draw();
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#people.close();
    this.#list.close();
    this.#dialog.close();
  }

  #typed() {
    clearTimeout(this.#timer);
    const wanted = this.#input.value.trim();
    if (wanted) this.#timer = setTimeout(() => this.#people.search(wanted), SEARCH_MS);
    this.#draw();
  }

  #draw() {
    this.#list.items = this.#goals(this.#input.value.trim());
    this.#list.active = this.#list.items.length ? 0 : -1;
  }

  /**
   * Chats whose name holds what is wanted, then what can be begun.
   * @param {string} wanted
   * @returns {Goal[]}
   */
  #goals(wanted) {
    const key = nickKey(wanted);
    const goals = this.#chats.list
      .filter((chat) => nickKey(this.#words.nameOf(chat)).includes(key))
      .map((chat) => {
        const name = this.#words.nameOf(chat);
        return { conv: chat.conv, label: name, name, isRoom: !chat.isDirect, isNew: false };
      });
    if (!wanted) return goals;
    const has = (/** @type {string} */ conv) => goals.some((goal) => sameNick(goal.conv, conv));
    const direct = (/** @type {string} */ nick) => {
      if (has(directConv(nick)) || sameNick(nick, this.#chats.me)) return;
      goals.push({ conv: directConv(nick), label: this.#texts.writeTo(nick), name: nick, isRoom: false, isNew: false });
    };
    const here = this.#people.nicks.filter((nick) => nickKey(nick).startsWith(key)).slice(0, PEOPLE);
    for (const nick of here) direct(nick);
    if (!has(roomConv(wanted)) && key !== "all") {
      goals.push({ conv: roomConv(wanted), label: this.#texts.joinRoom(wanted), name: wanted, isRoom: true, isNew: true });
    }
    direct(wanted);
    return goals;
  }
}
