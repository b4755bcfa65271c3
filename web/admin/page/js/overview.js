// @ts-check

import { ask } from "./api.js";
import { el, table } from "./dom.js";
import { bytes, count, millis, rate, span } from "./format.js";
import { plot } from "./plot.js";

/**
 * The number of the first name that there is.
 * @param {Record<string, number>} from
 * @param {string[]} names
 */
const sum = (from, ...names) => {
  const known = names.filter((n) => n in from);
  return known.length ? known.reduce((total, n) => total + from[n], 0) : undefined;
};

const stored = ["throng_room_commit_messages_sum", "throng_room_fleeting_total"];

/** What runs now, and ran in the last ten minutes. */
export function overview() {
  const tiles = el("dl.tiles"), plots = el("div.plots"), nodes = el("div.card", {}, el("h2", {}, "Nodes"));
  return {
    view: el("section", {}, tiles, plots, nodes),
    every: 5000,
    /** @param {any} stats */
    async refresh(stats) {
      const [series, all] = await Promise.all([ask("series"), ask("nodes")]);
      drawTiles(tiles, stats, all.nodes);
      drawPlots(plots, series);
      nodes.replaceChildren(el("h2", {}, "Nodes"), table(["Node", "State", "Online#", "Rooms#", "To store#", "To deliver#", "Up#"],
        all.nodes.map((/** @type {any} */ n) => [
          n.node || "this one", el(`span.pill.${n.problem ? "bad" : "good"}`, {}, n.problem || "healthy"), count(n.online), count(n.rooms),
          bytes(n.waiting), bytes(n.backlog), span(stats.now - n.since),
        ]), "No node answers."));
    },
  };
}

/**
 * @param {HTMLElement} tiles
 * @param {any} stats
 * @param {any[]} nodes
 */
function drawTiles(tiles, stats, nodes) {
  const { gauges: g, counters: c, rates: r } = stats;
  const commit = stats.latency["throng_room_commit_seconds"];
  /** @type {[string, string | undefined][]} */
  const all = [
    ["People online", count(nodes.reduce((total, n) => total + n.online, 0))],
    ["Connections", count(stats.connections)],
    ["Rooms", count(stats.rooms)],
    ["Messages/s", given(sum(r, ...stored), rate)],
    ["Deliveries/s", given(r["throng_engine_sent_frames_total"], rate)],
    ["Waiting for clients", given(g["throng_engine_queued_bytes"], bytes)],
    ["To store, to deliver", bytes(g["waiting_bytes"] + g["backlog_bytes"])],
    ["Commit, p99", commit?.count ? millis(commit.p99_ms) : undefined],
    ["Memory", given(g["process_resident_memory_bytes"], bytes)],
    ["Goroutines", given(g["go_goroutines"], count)],
    ["Processors", given(r["process_cpu_seconds_total"], (n) => n.toFixed(2))],
    ["Cut off as slow", given(c["throng_engine_slow_readers_total"], count)],
  ];
  tiles.replaceChildren(...all.filter(([, value]) => value !== undefined)
    .map(([name, value]) => el("div.tile", {}, el("dt", {}, name), el("dd", {}, value))));
}

/**
 * @param {number | undefined} value
 * @param {(n: number) => string} format
 */
const given = (value, format) => (value === undefined ? undefined : format(value));

/**
 * @param {HTMLElement} plots
 * @param {any} s
 */
function drawPlots(plots, s) {
  const messages = s.at.map((/** @type {number} */ _, /** @type {number} */ i) => {
    const known = stored.map((n) => s.rates[n]?.[i]).filter((v) => typeof v === "number");
    return known.length ? known.reduce((a, b) => a + b, 0) : null;
  });
  const stages = ["wait", "road", "fanout"].map((stage) => ({ name: stage, values: s.p99_ms[`throng_room_stage_seconds{stage="${stage}"}`] }));
  const commit = { name: "commit", values: s.p99_ms["throng_room_commit_seconds"] };
  plots.replaceChildren(
    plot("Messages a second", [{ name: "stored", values: messages }], s.at, rate),
    plot("Deliveries a second", [{ name: "written", values: s.rates["throng_engine_sent_frames_total"] ?? [] }], s.at, rate),
    plot("Latency, p99", [commit, ...stages].filter((l) => l.values), s.at, millis),
    plot("Connections", [{ name: "connections", values: s.gauges.connections ?? [] }], s.at, rate),
    plot("Memory", [{ name: "resident", values: s.gauges["process_resident_memory_bytes"] ?? [] }, { name: "heap", values: s.gauges["go_memstats_heap_inuse_bytes"] ?? [] }], s.at, bytes, 1024),
    plot("Waiting for clients", [{ name: "queued", values: s.gauges["throng_engine_queued_bytes"] ?? [] }], s.at, bytes, 1024));
}
