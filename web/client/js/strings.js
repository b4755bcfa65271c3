// @ts-check

/**
 * All that the page says. A text that varies is a function.
 * @typedef {typeof en} Texts
 */

const en = {
  language: "en",
  tagline: "Talk to everyone, or to just one.",
  nick: "Your nickname",
  join: "Join",
  joining: "Joining…",
  leave: "Leave",
  leaveUnsent: "Some messages have not been sent. Leave all the same?",

  messages: "Messages",
  empty: "Nothing said yet. Say hello!",
  you: "You",
  privately: "private",
  toNick: (/** @type {string} */ nick) => `Write to ${nick} privately`,
  newer: (/** @type {number} */ n) => (n === 1 ? "1 new message" : `${n} new messages`),

  to: "To",
  everyone: "Everyone",
  toEveryone: "Write to everyone again",
  message: "Message",
  messageHint: "Write a message",
  privateHint: (/** @type {string} */ nick) => `Write to ${nick} alone`,
  send: "Send",
  keys: "Enter sends, Shift + Enter starts a new line.",

  outbox: "Not sent yet",
  queued: "Will be sent when you are online again",
  sent: "Sending…",
  unsure: "Perhaps not delivered",
  sendAgain: "Send again",
  discard: "Discard",
  outboxFull: "Too many messages are waiting; yours is kept in the field.",

  connecting: "Connecting…",
  online: "Online",
  offline: "Offline",
  reconnecting: "Reconnecting",
  nextTry: (/** @type {number} */ n) => `Next try in ${n} s.`,
  tryNow: "Try now",
  reconnected: "Connected again. What was said in the meantime is not shown.",

  unusable: "This nickname cannot be used. Please choose another.",
  unreachable: "The server does not answer. Is your network up?",
  busy: "You could not get in. Perhaps somebody is using this nickname: choose another, or try again in a moment.",
  refusedNick: (/** @type {string} */ why) => `The server does not take this nickname${why ? `: ${why}` : "."}`,
  denied: (/** @type {string} */ why) => `The server does not let you in${why ? `: ${why}` : "."}`,
  full: "The server is full or too busy at present.",
  odd: (/** @type {number} */ status) => `The server gave an unexpected answer (${status}).`,

  closed: (/** @type {number} */ code, /** @type {string} */ why) =>
    `The connection was closed (${code}${why ? `: ${why}` : ""}).`,
  closeCodes: /** @type {Record<number, string>} */ ({
    1001: "The server is restarting.",
    1006: "The connection broke off.",
    1009: "Your message was too long for the server.",
    1011: "The server had a fault.",
    4001: "The server is restarting.",
    4008: "Your connection was too slow for the messages that were coming.",
    4029: "You sent too many messages in too short a time.",
    4053: "The server is full.",
    4500: "The server does not take this nickname.",
    4501: "Your permission to be here was refused or has ended.",
    4503: "The server does not let you in.",
    4509: "This nickname is in use.",
    4510: "You are connected in another window.",
  }),
};

/** @type {Texts} */
const zh = {
  language: "zh-CN",
  tagline: "和所有人聊天，或者只和一个人聊。",
  nick: "你的昵称",
  join: "加入",
  joining: "正在加入…",
  leave: "离开",
  leaveUnsent: "还有消息没有发出，确定要离开吗？",

  messages: "消息",
  empty: "还没有人说话，打个招呼吧！",
  you: "我",
  privately: "私聊",
  toNick: (nick) => `私聊 ${nick}`,
  newer: (n) => `${n} 条新消息`,

  to: "发给",
  everyone: "所有人",
  toEveryone: "改为发给所有人",
  message: "消息",
  messageHint: "写点什么…",
  privateHint: (nick) => `只发给 ${nick}`,
  send: "发送",
  keys: "Enter 发送，Shift + Enter 换行。",

  outbox: "尚未发出",
  queued: "恢复连接后自动发送",
  sent: "正在发送…",
  unsure: "可能没有送达",
  sendAgain: "重新发送",
  discard: "丢弃",
  outboxFull: "等待发送的消息太多，这条消息保留在输入框里。",

  connecting: "正在连接…",
  online: "在线",
  offline: "离线",
  reconnecting: "等待重连",
  nextTry: (n) => `${n} 秒后重试。`,
  tryNow: "立即重试",
  reconnected: "已重新连接。断线期间的消息不会显示。",

  unusable: "这个昵称不能使用，请换一个。",
  unreachable: "服务器没有响应，请检查网络。",
  busy: "无法进入，可能已经有人在用这个昵称：请换一个，或稍后再试。",
  refusedNick: (why) => `服务器不接受这个昵称${why ? `：${why}` : "。"}`,
  denied: (why) => `服务器拒绝了你的连接${why ? `：${why}` : "。"}`,
  full: "服务器已满或正忙。",
  odd: (status) => `服务器的回答出乎意料（${status}）。`,

  closed: (code, why) => `连接已关闭（${code}${why ? `：${why}` : ""}）。`,
  closeCodes: {
    1001: "服务器正在重启。",
    1006: "连接中断了。",
    1009: "你的消息太长，服务器没有接受。",
    1011: "服务器出错了。",
    4001: "服务器正在重启。",
    4008: "你的网络太慢，跟不上消息的速度。",
    4029: "你发送消息太频繁了。",
    4053: "服务器已满。",
    4500: "服务器不接受这个昵称。",
    4501: "你的登录被拒绝或已过期。",
    4503: "服务器拒绝了你的连接。",
    4509: "这个昵称已经有人在用。",
    4510: "你在另一个窗口里连接了。",
  },
};

/**
 * The texts in the first language of the list that there is; English otherwise.
 * @param {readonly string[]} languages as in navigator.languages
 * @returns {Texts}
 */
export function textsFor(languages) {
  for (const language of languages) {
    if (/^zh\b/i.test(language)) return zh;
    if (/^en\b/i.test(language)) return en;
  }
  return en;
}

/**
 * A reason for not being connected, in words.
 * @param {Texts} texts
 * @param {import("./connection.js").Why} why
 */
export function explain(texts, { kind, code, detail }) {
  switch (kind) {
    case "closed":
      return texts.closeCodes[code] ?? texts.closed(code, detail);
    case "nick":
      return texts.refusedNick(detail);
    case "denied":
      return texts.denied(detail);
    case "odd":
      return texts.odd(code);
    default:
      return texts[kind];
  }
}
