// @ts-check
import { keep, kept, preference } from "./preferences.js";
import { explain, explainError, textsFor } from "./texts/texts.js";
import { nickIn, tokenIn } from "./token.js";
import { CLOSE, Throng, sameNick, socketAddress } from "./throng/throng.js";
import { App } from "./view/app.js";
import { localise } from "./view/dom.js";
import { LoginView } from "./view/login.js";
import { applyTheme } from "./view/settings.js";
import { toast } from "./view/toast.js";

/** With these the chat cannot go on under this nick. @type {number[]} */
const FINAL = [CLOSE.badNick, CLOSE.token, CLOSE.origin, CLOSE.inUse];

/** The page: the login, then the chat, then the login again. */
class Page {
  #texts = textsFor([preference("language"), ...navigator.languages]);
  #token = kept("token");
  #login = new LoginView(this.#texts, (nick) => this.#join(nick, false));
  /** @type {Throng | null} */
  #throng = null;
  /** @type {App | null} */
  #app = null;

  constructor() {
    applyTheme();
    document.documentElement.lang = this.#texts.language;
    localise(document, this.#texts);
    window.addEventListener("online", () => this.#hurry());
    window.addEventListener("pagehide", () => this.#app?.keep());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    window.addEventListener("hashchange", () => this.#takeToken() && this.#renew());
    const isBack = !this.#takeToken() && kept("joined") !== "";
    const nick = isBack ? kept("joined") : nickIn(this.#token);
    if (nick) this.#join(nick, isBack);
    else this.#login.ask();
  }

  /** Take the token off the address, if there is one: nobody is to see or share it. */
  #takeToken() {
    const token = tokenIn(location.hash);
    if (!token) return false;
    this.#setToken(token);
    history.replaceState(history.state, "", location.pathname + location.search);
    return true;
  }

  /** The token is this tab's, and outlives a reload. @param {string} token "" for none */
  #setToken(token) {
    this.#token = token;
    keep("token", token);
  }

  /** A link with a token was opened in this page, by who is in the chat or by somebody else. */
  #renew() {
    const throng = this.#throng;
    const nick = nickIn(this.#token) || (throng?.nick ?? "");
    if (throng && sameNick(nick, throng.nick)) {
      if (throng.state.name !== "online") throng.start();
      else throng.renew().catch((error) => toast(explainError(this.#texts, error)));
      return;
    }
    if (throng) this.#leave("");
    if (nick) this.#join(nick, false);
  }

  /**
   * @param {string} nick
   * @param {boolean} isBack whether this tab was in the chat before: then it waits for the server if it must
   */
  #join(nick, isBack) {
    if (!socketAddress(nick, document.baseURI)) {
      this.#login.ask(this.#texts.unusable);
      return;
    }
    this.#login.wait(nick);
    const throng = new Throng({ address: document.baseURI, nick, token: () => this.#token, patient: isBack });
    this.#throng = throng;
    throng.addEventListener("state", () => throng === this.#throng && this.#changed(throng));
    if (isBack) this.#enter(throng);
    throng.start();
  }

  /** @param {Throng} throng */
  #changed(throng) {
    const { state } = throng;
    if (state.name === "online" && !this.#app) this.#enter(throng);
    const why = state.name === "stopped" ? state.why : null;
    if (why && (!this.#app || FINAL.includes(why.code))) {
      this.#leave(this.#explain(why));
      if (why.code === CLOSE.token) this.#setToken("");
    } else {
      this.#app?.show(state);
    }
  }

  /** @param {import("./throng/throng.js").Why} why */
  #explain(why) {
    return why.code === CLOSE.token && !this.#token ? this.#texts.tokenNeeded : explain(this.#texts, why);
  }

  /**
   * The nick is ours: show the chat.
   * @param {Throng} throng
   */
  #enter(throng) {
    this.#login.leave(throng.nick);
    keep("joined", throng.nick);
    this.#app = new App(throng, this.#texts, () => {
      if (throng.parcels.length > 0 && !confirm(this.#texts.leaveUnsent)) return;
      this.#leave("");
      this.#setToken("");
    });
  }

  /** @param {string} error why; "" when it was asked for */
  #leave(error) {
    this.#app?.close();
    this.#app = null;
    const throng = this.#throng;
    this.#throng = null;
    if (throng?.state.name !== "stopped") throng?.stop();
    keep("joined", "");
    this.#login.ask(error);
  }

  /** Something says that a try may succeed now. */
  #hurry() {
    if (this.#throng?.state.name === "waiting") this.#throng.start();
  }
}

new Page();
