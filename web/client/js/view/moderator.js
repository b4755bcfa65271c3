// @ts-check
import { byId } from "./dom.js";
import { toast } from "./toast.js";

/** For how long, in milliseconds, somebody is muted or banned from here. */
const TIMES = { mute: 600_000, ban: 86_400_000 };

/** What can be done about a message or a person: a moderator's dialog; others can delete what they have said. */
export class ModeratorView {
  #dialog = /** @type {HTMLDialogElement} */ (byId("moderator"));
  #reason = /** @type {HTMLInputElement} */ (byId("moderator-reason"));
  #chats;
  #throng;
  #texts;
  #onError;
  /** Whom and what it is open for. */
  #about = { nick: "", seq: 0, conv: "" };
  #abort = new AbortController();

  /**
   * @param {import("../chat/chats.js").Chats} chats
   * @param {import("../throng/throng.js").Throng} throng
   * @param {import("../texts/texts.js").Texts} texts
   * @param {(error: unknown) => void} onError
   */
  constructor(chats, throng, texts, onError) {
    this.#chats = chats;
    this.#throng = throng;
    this.#texts = texts;
    this.#onError = onError;
    this.#dialog.addEventListener("close", () => this.#do(this.#dialog.returnValue), { signal: this.#abort.signal });
  }

  /**
   * @param {{ nick: string, seq: number, mine: boolean }} about seq 0: of no message
   * @returns {boolean} whether there is anything that may be done
   */
  open({ nick, seq, mine }) {
    const mayModerate = this.#throng.moderation.isAllowed && !mine;
    if (!mayModerate && !mine) return false;
    this.#about = { nick, seq, conv: this.#chats.current.conv };
    byId("moderator-title").textContent = this.#texts.about(mine ? this.#texts.you : nick);
    for (const button of this.#dialog.querySelectorAll("button[value]")) {
      const { value } = /** @type {HTMLButtonElement} */ (button);
      /** @type {HTMLElement} */ (button).hidden = value === "delete" ? seq === 0 : value !== "" && !mayModerate;
    }
    this.#reason.hidden = !mayModerate;
    this.#reason.value = this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return true;
  }

  /** Take everything off the page. */
  close() {
    this.#abort.abort();
    this.#dialog.close();
  }

  /** @param {string} what */
  async #do(what) {
    const { nick, seq, conv } = this.#about;
    const reason = this.#reason.value.trim() || undefined;
    try {
      if (what === "delete") await this.#throng.moderation.delete(conv, seq);
      else if (what === "mute" || what === "ban") await this.#throng.moderation.act(what, nick, { reason, forMs: TIMES[what] });
      else if (what === "kick") await this.#throng.moderation.act(what, nick, { reason });
      else return;
      toast(this.#texts.done);
    } catch (error) {
      this.#onError(error);
    }
  }
}
