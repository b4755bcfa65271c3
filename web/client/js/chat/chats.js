// @ts-check
import { ERR, EVERYONE, ThrongError, convKey, partsOf, roomConv, sameNick } from "../throng/throng.js";
import { Chat } from "./chat.js";

/** @typedef {import("../throng/throng.js").Message} Message */
/** @typedef {import("../throng/throng.js").Throng} Throng */
/** @typedef {import("../throng/store.js").Store} Store */

/** The most chats that are kept between visits; the latest stay. */
const LIMIT = 500;
/** How long changes may wait to be written. */
const KEEP_MS = 500;
/** The least time between two signs of writing. */
const TYPING_MS = 3000;
/** In larger rooms nobody is told who is writing. */
const TYPING_MEMBERS = 100;

/**
 * All chats of one person, and which of them is open. After each change it dispatches an event: "list" (chats, their order,
 * previews and counts), "open" (another chat is open), and for one chat, as `detail`: "thread", "typing", "fate" (how
 * far one's own messages got), "members", "heard" (`{ chat, message }`, from somebody else).
 */
export class Chats extends EventTarget {
  #throng;
  #store;
  #isLooking = true;
  #isKeepDue = false;
  #typedAt = 0;
  /** @type {Map<string, Chat>} */
  #chats = new Map();
  /** @type {Chat} */
  #current;

  /**
   * @param {Throng} throng
   * @param {Store} store
   */
  constructor(throng, store) {
    super();
    this.#throng = throng;
    this.#store = store;
    for (const kept of store.get("chats", /** @type {import("./chat.js").Kept[]} */ ([]))) this.#make(kept.conv, kept);
    for (const room of throng.rooms) this.of(roomConv(room));
    this.#current = this.of(EVERYONE);
    this.#listen();
  }

  get me() {
    return this.#throng.nick;
  }

  /** Whether the server lets us moderate. */
  get isModerator() {
    return this.#throng.moderation.isAllowed;
  }

  get current() {
    return this.#current;
  }

  /** Everyone first, then the latest. */
  get list() {
    const when = (/** @type {Chat} */ chat) => (chat.isEveryone ? Infinity : (chat.last?.ts ?? 0));
    return [...this.#chats.values()].sort((a, b) => when(b) - when(a));
  }

  get unread() {
    return this.list.reduce((sum, chat) => sum + chat.unread, 0);
  }

  /** What is on its way in a chat. @param {Chat} chat */
  parcelsOf(chat) {
    return this.#throng.parcels.filter(({ conv }) => convKey(conv) === chat.key);
  }

  /**
   * The chat of a conversation; it is begun when there is none.
   * @param {string} conv
   */
  of(conv) {
    return this.#chats.get(convKey(conv)) ?? this.#make(conv);
  }

  /**
   * Open a chat.
   * @param {string} conv
   */
  open(conv) {
    const chat = this.of(conv);
    if (chat !== this.#current) {
      this.#current.thread.rest();
      this.#current.unreadFrom = 0;
      this.#typedAt = 0;
    }
    this.#current = chat;
    this.#store.set("open", chat.conv);
    chat.thread.latest();
    this.#changed("open", chat);
    this.see();
  }

  /** Open the chat that was open at the last visit. */
  reopen() {
    this.open(this.#store.get("open", EVERYONE));
  }

  /**
   * Enter a room, and open it.
   * @param {string} room
   */
  async join(room) {
    if (!this.#throng.rooms.some((it) => sameNick(it, room))) {
      const joined = await this.#throng.join(room);
      room = String(joined.room ?? room);
      this.of(roomConv(room)).members = Number(joined.members) || null;
    }
    this.open(roomConv(room));
  }

  /**
   * Leave a room, or put a direct conversation away: it comes back with its next message.
   * @param {Chat} chat
   */
  async leave(chat) {
    if (!chat.isDirect) await this.#throng.leave(chat.name);
    chat.typists.clear();
    this.#chats.delete(chat.key);
    if (chat === this.#current) this.open(EVERYONE);
    this.#changed("list");
  }

  /**
   * Say something in the open chat.
   * @param {string} text
   * @returns {boolean} false when too much is waiting already
   */
  say(text) {
    const said = this.#throng.say(this.#current.conv, text) !== null;
    if (!said) return false;
    this.#typedAt = 0;
    this.#current.unreadFrom = 0;
    this.#current.thread.latest();
    return true;
  }

  /** The draft of the open chat changed. @param {string} text */
  write(text) {
    const chat = this.#current;
    chat.draft = text;
    this.#keepSoon();
    if (!text || Date.now() - this.#typedAt < TYPING_MS) return;
    if (!chat.isDirect && (chat.members ?? Infinity) > TYPING_MEMBERS) return;
    this.#typedAt = Date.now();
    this.#throng.typing(chat.conv);
  }

  /** Tell whether somebody is looking at the page. @param {boolean} isLooking */
  look(isLooking) {
    this.#isLooking = isLooking;
    this.see();
  }

  /** What is to be seen in the open chat counts as read. */
  see() {
    const chat = this.#current;
    if (!this.#isSeen(chat)) return;
    const theirs = chat.thread.lines.findLast((line) => !sameNick(line.from_user, this.me));
    if (theirs) this.#throng.read(chat.conv, theirs.seq);
    if (chat.unread === 0) return;
    chat.clear();
    this.#changed("list");
  }

  /** Write to the storage now: the page may be about to go. */
  keep() {
    this.#isKeepDue = false;
    this.#store.set("chats", this.list.slice(0, LIMIT).map(({ kept }) => kept));
  }

  #listen() {
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ run) =>
      this.#throng.addEventListener(type, (event) => run(/** @type {CustomEvent} */ (event).detail));
    on("message", (message) => this.#heard(message));
    on("stored", ({ message }) => this.#stored(message));
    on("deleted", ({ conv, seq }) => {
      this.#chats.get(convKey(conv))?.remove(seq);
      this.#changed("list");
    });
    on("reset", ({ conv, msgs, more }) => this.#reset(this.of(conv), msgs, more));
    on("outbox", (parcel) => this.#changed("thread", parcel ? this.of(parcel.conv) : this.#current));
    on("typing", ({ conv, from }) => sameNick(from, this.me) || this.#chats.get(convKey(conv))?.typists.saw(from));
    on("presence", ({ room, count }) => this.#counted(room, count));
    for (const what of /** @type {const} */ (["recv", "read"])) {
      on(what, ({ conv, from, seq }) => this.#reached(what, this.of(conv), from, seq));
    }
    on("state", ({ name }) => {
      if (name !== "online") for (const chat of this.#chats.values()) chat.typists.clear();
      else this.#current.thread.latest(); // it may have been asked for in vain
    });
  }

  /** @param {Message} message */
  #heard(message) {
    const chat = this.of(message.conv);
    const mine = sameNick(message.from_user, this.me);
    chat.typists.stopped(message.from_user);
    const isNew = message.seq > chat.kept.seen || message.epoch !== chat.kept.epoch;
    chat.count(message, !mine && !this.#isSeen(chat));
    chat.thread.add(message, { live: true });
    this.#changed("list");
    this.see();
    if (!mine && isNew) this.#changed("heard", { chat, message });
  }

  /** @param {Message} message */
  #stored(message) {
    const chat = this.of(message.conv);
    chat.count(message, false);
    chat.thread.add(message);
    this.#changed("list");
  }

  /**
   * @param {Chat} chat
   * @param {Message[]} msgs
   * @param {boolean} more
   */
  #reset(chat, msgs, more) {
    for (const message of msgs) chat.count(message, !sameNick(message.from_user, this.me) && !this.#isSeen(chat));
    chat.thread.reset({ msgs, more });
    this.#changed("list");
    this.see();
  }

  /**
   * @param {"recv" | "read"} what
   * @param {Chat} chat
   * @param {string} from
   * @param {number} seq
   */
  #reached(what, chat, from, seq) {
    if (!sameNick(from, this.me)) {
      chat.reached(what, seq);
      this.#changed("fate", chat);
    } else if (what === "read" && seq >= chat.kept.seen && chat.unread > 0) {
      chat.clear(); // read in another session of ours
      this.#changed("list");
    }
  }

  /**
   * @param {string} room
   * @param {number} count
   */
  #counted(room, count) {
    const chat = this.#chats.get(convKey(roomConv(room)));
    if (!chat || chat.members === count) return;
    chat.members = count;
    this.#changed("members", chat);
  }

  /** @param {Chat} chat */
  #isSeen(chat) {
    const { isReady, newer, isFollowed } = chat.thread;
    return chat === this.#current && this.#isLooking && isReady && !newer && isFollowed;
  }

  /**
   * @param {string} conv
   * @param {Partial<import("./chat.js").Kept>} [kept]
   * @returns {Chat}
   */
  #make(conv, kept) {
    const chat = new Chat(conv, {
      kept,
      history: (of, range) => this.#history(of, range),
      onChange: (what) => {
        if (what === "thread") this.#learn(chat);
        this.#changed(what, chat);
      },
    });
    this.#chats.set(chat.key, chat);
    this.#changed("list");
    return chat;
  }

  /**
   * @param {string} conv
   * @param {{ before?: number, after?: number, limit: number }} range
   */
  async #history(conv, range) {
    try {
      return await this.#throng.history(conv, range);
    } catch (error) {
      // A direct conversation begins with its first message; before, there is none.
      if (!(error instanceof ThrongError) || error.code !== ERR.notFound || !partsOf(conv).direct) throw error;
      return { msgs: [], more: false };
    }
  }

  /** What was looked up may be newer than what was counted. @param {Chat} chat */
  #learn(chat) {
    const last = chat.thread.lines.at(-1);
    if (!last || chat.thread.newer) return;
    if (last.seq > chat.kept.seen || last.epoch !== chat.kept.epoch) {
      chat.count(last, false);
      this.#changed("list");
    }
    if (chat === this.#current) this.see();
  }

  #keepSoon() {
    if (this.#isKeepDue) return;
    this.#isKeepDue = true;
    setTimeout(() => this.#isKeepDue && this.keep(), KEEP_MS);
  }

  /**
   * @param {string} type
   * @param {unknown} [detail]
   */
  #changed(type, detail) {
    if (type === "list") this.#keepSoon();
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

