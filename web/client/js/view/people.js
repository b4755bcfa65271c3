// @ts-check
import { People } from "../chat/people.js";
import { nickKey, sameNick } from "../throng/throng.js";
import { badge } from "./badge.js";
import { byId, fromTemplate, within } from "./dom.js";
import { WindowedList } from "./list.js";

/** How long a search waits for the next letter, in milliseconds. */
const SEARCH_MS = 150;

/**
 * An empty row for a person, and what fills it.
 * @param {HTMLElement} row
 * @param {string} nick
 */
export function fillPerson(row, nick) {
  badge(within(row, ".badge"), nick);
  within(row, ".name").textContent = nick;
}

/** The people in the open room: their number, a search, and as much of the list as somebody looks at. */
export class PeopleView {
  #panel = byId("people");
  #button = byId("show-people");
  #search = /** @type {HTMLInputElement} */ (byId("people-search"));
  #none = byId("people-none");
  #chats;
  #texts;
  #throng;
  #list;
  /** @type {People | null} those of the open room, while they are shown */
  #people = null;
  #room = "";
  /** @type {any} */
  #timer = null;
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../throng/throng.js").Throng} throng
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(nick: string) => void} onPick
   * @param {(nick: string) => boolean} onMore what can be done about somebody was asked for; false: nothing
   */
  constructor(chats, throng, texts, onPick, onMore) {
    this.#chats = chats;
    this.#throng = throng;
    this.#texts = texts;
    this.#list = new WindowedList(byId("people-list"), {
      height: 2.75,
      make: () => fromTemplate("person-row"),
      fill: fillPerson,
      isChosen: () => false,
      onNearEnd: () => this.#people?.grow(),
      onPick: (/** @type {string} */ nick) => !sameNick(nick, chats.me) && onPick(nick),
    });
    const { signal } = this.#abort;
    this.#button.addEventListener("click", () => (this.#panel.hidden ? this.open() : this.hide()), { signal });
    byId("people-list").addEventListener("contextmenu", (event) => {
      const row = /** @type {Element} */ (event.target).closest(".person-row");
      const nick = row && within(row, ".name").textContent;
      if (nick && !sameNick(nick, chats.me) && onMore(nick)) event.preventDefault();
    }, { signal });
    byId("close-people").addEventListener("click", () => this.hide(), { signal });
    this.#search.addEventListener("input", () => this.#searchSoon(), { signal });
    this.#search.addEventListener("keydown", (event) => this.#list.key(event), { signal });
    this.#panel.addEventListener("keydown", (event) => this.#key(event), { signal });
    chats.addEventListener("open", () => this.#turn(), { signal });
    throng.addEventListener("presence", (event) => this.#changed(/** @type {CustomEvent} */ (event).detail), { signal });
    throng.addEventListener("state", () => throng.state.name === "online" && this.#begin(), { signal });
  }

  /** Show the people of the open room. */
  open() {
    this.#show(true);
    this.#begin();
    this.#search.focus();
  }

  /** Show them no more. */
  hide() {
    const hadFocus = this.#panel.contains(document.activeElement);
    this.#show(false);
    this.#people?.close();
    this.#people = null;
    if (hadFocus) this.#button.focus();
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    clearTimeout(this.#timer);
    this.#people?.close();
    this.#list.close();
    this.#show(false);
  }

  /** @param {boolean} isShown */
  #show(isShown) {
    this.#panel.hidden = !isShown;
    this.#button.setAttribute("aria-expanded", String(isShown));
  }

  /** Another chat is open. */
  #turn() {
    const { isDirect } = this.#chats.current;
    this.#button.hidden = isDirect;
    if (isDirect) this.hide();
    else this.#begin();
  }

  /** Look at the open room's people from the beginning. */
  #begin() {
    if (this.#panel.hidden) return;
    this.#people?.close();
    const room = this.#chats.current.isEveryone ? "all" : this.#chats.current.name;
    const people = new People((range) => this.#throng.presence(room, range));
    this.#room = room;
    this.#people = people;
    people.addEventListener("change", () => people === this.#people && this.#draw(people));
    people.search(this.#search.value.trim());
  }

  /** @param {People} people */
  #draw(people) {
    this.#list.items = people.nicks;
    this.#none.hidden = people.nicks.length > 0 || people.isBusy;
    byId("people-count").textContent = this.#texts.members(people.count);
  }

  /** @param {{ room: string, count: number, joined: string[], left: string[] }} change */
  #changed(change) {
    if (this.#people && nickKey(change.room) === nickKey(this.#room)) this.#people.change(change);
  }

  #searchSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      byId("people-list").scrollTop = 0;
      this.#people?.search(this.#search.value.trim());
    }, SEARCH_MS);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.hide();
  }
}
