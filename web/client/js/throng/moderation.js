// @ts-check

/** @typedef {import("./frames.js").Frame} Frame */

/** What moderators do, and what everybody is told by them. */
export class Moderation {
  /** Whether the server lets us moderate. */
  isAllowed = false;
  /** The message of the day, any JSON value; null when there is none. @type {unknown} */
  motd = null;
  #ask;

  /** @param {(frame: Frame) => Promise<Frame>} ask */
  constructor(ask) {
    this.#ask = ask;
  }

  /**
   * Take what a welcome says of what is allowed.
   * @param {Frame} welcome
   */
  allow(welcome) {
    this.isAllowed = welcome.moderator === true;
    return welcome;
  }

  /**
   * Take what a frame says of the message of the day.
   * @param {Frame} frame
   */
  heard({ motd = null }) {
    this.motd = motd;
    return motd;
  }

  /**
   * Delete a message: one's own or, as a moderator, any.
   * @param {string} conv
   * @param {number} seq
   */
  async delete(conv, seq) {
    await this.#ask({ t: "delete", conv, seq });
  }

  /**
   * Do something about somebody.
   * @param {"kick" | "mute" | "unmute" | "ban" | "unban"} what
   * @param {string} nick
   * @param {{ reason?: string, room?: string, forMs?: number }} [more] a mute or a ban without a time has no end
   */
  async act(what, nick, { forMs, ...more } = {}) {
    await this.#ask({ t: what, nick, for_ms: forMs, ...more });
  }
}
