// The header's facts and the tiles, from `GET /v1`.

import { byID, setAttribute, setText } from "./dom.js";
import { compactCount, count, noteServerTime, plural, rate, since, span } from "./format.js";
import { Sparkline } from "./chart.js";

const service = byID("service");
const tiles = new Map([...document.querySelectorAll("[data-tile]")].map((tile) => [tile.dataset.tile, tile]));
const charts = {
  queued: new Sparkline(part("queued", ".chart"), "Queued jobs"),
  running: new Sparkline(part("running", ".chart"), "Running jobs"),
  finished: new Sparkline(part("finished", ".chart"), "Jobs finished a second"),
};
// The totals are counted over all acceptors since the server's start; their difference between two polls is the rate.
let before = null;

export function showOverview(status) {
  noteServerTime(Date.parse(status.started_at) + status.uptime_seconds * 1000);
  showService(status);
  const { jobs, limits } = status;

  setText(part("queued", ".figure"), count(jobs.queued));
  const oldest = since(jobs.oldest_queued_at);
  const room = limits?.queued ? `room for ${count(limits.queued)}` : "";
  setText(part("queued", ".note"), oldest === null ? room : `oldest waits ${span(oldest)}`);
  setAttribute(tiles.get("queued"), "data-warning", Boolean(limits?.queued && jobs.queued >= 0.9 * limits.queued));
  charts.queued.add(jobs.queued, count);

  setText(part("running", ".figure"), count(jobs.running));
  charts.running.add(jobs.running, count);

  setText(part("scheduled", ".figure"), count(jobs.scheduled));
  showFinished(jobs, status.started_at);
}

/// How many run where, which only the process tree knows.
export function showBusyWorkers(busy, workers, tasks) {
  const parts = [`${count(busy)} of ${plural(workers, "worker")} busy`];
  if (tasks > 0) parts.push(plural(tasks, "task"));
  setText(part("running", ".note"), parts.join(", "));
}

function showService(status) {
  service.hidden = false;
  fact("node", status.node);
  fact("version", status.version);
  fact("uptime", span(status.uptime_seconds * 1000));
  fact("store", [status.store?.kind, status.store?.durability].filter(Boolean).join(", "));
  document.title = status.node ? `${status.node} – Millrace` : "Millrace";
}

function showFinished(jobs, startedAt) {
  const now = performance.now();
  const total = jobs.succeeded_total + jobs.failed_total + jobs.cancelled_total;
  // Totals that went down, or another start time, are another server's: there is no difference to tell.
  let perSecond = 0;
  if (before !== null && before.startedAt === startedAt && total >= before.total) {
    perSecond = ((total - before.total) * 1000) / (now - before.at);
    charts.finished.add(perSecond, (value) => `${rate(value)} a second`);
  }
  before = { at: now, total, startedAt };
  setText(part("finished", ".figure"), compactCount(total));
  const parts = (format) => [
    jobs.succeeded_total > 0 ? `${format(jobs.succeeded_total)} succeeded` : null,
    jobs.failed_total > 0 ? `${format(jobs.failed_total)} failed` : null,
    jobs.cancelled_total > 0 ? `${format(jobs.cancelled_total)} cancelled` : null,
  ].filter(Boolean).join(", ");
  const present = perSecond > 0 ? `${rate(perSecond)} a second` : "";
  setText(part("finished", ".note"), [present, parts(compactCount)].filter(Boolean).join("; ") || "none yet");
  setAttribute(part("finished", ".note"), "title", `${parts(count) || "none"} since the server was started`);
}

function part(tile, selector) {
  return tiles.get(tile).querySelector(selector);
}

function fact(name, text) {
  setText(service.querySelector(`[data-fact=${name}]`), text || "–");
}
