// How one job looks in the panel. The sections are made once for a job and filled where they differ, so that the
// place read, a selection and the focus survive each poll.

import { byID, element, reconcile, setText } from "./dom.js";
import { bytes, count, duration, span, since, time, unknown } from "./format.js";
import { showState } from "./jobs.js";
import { clearOutput, showLog, showResult } from "./job-output.js";

const body = byID("details-body");
let facts;
let sections;

/// Empties the panel for the job of this id.
export function clearJob(id) {
  setText(byID("details-heading"), "Job");
  setText(byID("details-id"), id);
  byID("details-state").hidden = true;
  facts = element("dl", { class: "facts" });
  sections = {
    progress: section("Progress", element("progress"), element("p", { class: "note" })),
    error: section("Error", element("p", { class: "error-text" }), element("pre", { class: "backtrace", tabindex: 0 })),
    result: section("Result", element("div")),
    args: section("Arguments", element("pre", { tabindex: 0 })),
    log: section("Log", element("pre", { class: "log", tabindex: 0 })),
    metadata: section("Metadata", element("pre", { tabindex: 0 })),
    attempts: section("Attempts", element("ol", { class: "attempts" })),
  };
  const { progress, error, result, args, log, metadata, attempts } = sections;
  body.replaceChildren(progress, error, result, args, facts, log, attempts, metadata);
  body.scrollTop = 0;
  clearOutput();
}

export function showGone(message) {
  byID("details-state").hidden = true;
  body.replaceChildren(element("p", { class: "empty" }, message));
}

/// - Parameters:
///   - exact: the same job with numbers kept as they were sent, for what is shown as JSON.
///   - stillWanted: false once the panel shows another job; its log and result may arrive after that.
export async function showJob(job, exact, stillWanted) {
  setText(byID("details-heading"), job.handler);
  setText(byID("details-id"), job.id);
  byID("details-state").hidden = false;
  showState(byID("details-state"), job.state);
  showProgress(job);
  showError(job.error);
  showJSON(sections.args, exact.args);
  showJSON(sections.metadata, exact.metadata);
  showFacts(job);
  showAttempts(job.attempts ?? []);
  await showResult(sections.result, job, exact, stillWanted);
  await showLog(sections.log, job, stillWanted);
}

function showProgress(job) {
  const { completed, total, message } = job.progress ?? {};
  const [, bar, note] = sections.progress.children;
  sections.progress.hidden = job.done || !(completed > 0 || message);
  bar.hidden = !(total > 0);
  if (total > 0) {
    bar.max = total;
    bar.value = completed;
  }
  const how = total > 0 ? `${count(completed)} of ${count(total)}` : count(completed);
  setText(note, [how, message].filter(Boolean).join(" · "));
}

function showError(error) {
  sections.error.hidden = !error;
  if (!error) return;
  const [, text, backtrace] = sections.error.children;
  const status = error.exit_status > 0 ? `exit status ${error.exit_status}` : null;
  const how = [words(error.type), error.signal, status];
  setText(text, [how.filter(Boolean).join(", "), error.message].filter(Boolean).join(": "));
  const trace = Array.isArray(error.backtrace) ? error.backtrace.join("\n") : error.backtrace;
  backtrace.hidden = !trace;
  setText(backtrace, trace);
}

function showJSON(part, value) {
  const isEmpty = value === undefined || value === null || JSON.stringify(value) === "{}";
  part.hidden = isEmpty;
  setText(part.lastElementChild, isEmpty ? "" : JSON.stringify(value, null, 2));
}

function showFacts(job) {
  const usage = job.usage ?? {};
  const ran = job.run_by;
  const lines = [
    ["Created", time(job.created_at)],
    job.scheduled_at && !job.started_at ? ["Due", time(job.scheduled_at)] : null,
    ["Started", time(job.started_at)],
    ["Finished", time(job.finished_at)],
    job.state === "queued" ? ["Waits for", span(since(job.created_at))] : ["Waited", duration(usage.queued_ms)],
    job.state === "running" ? ["Runs for", span(since(job.started_at))] : ["Wall time", duration(usage.wall_ms)],
    ["CPU time", duration(usage.cpu_ms)],
    ["Peak memory", bytes(usage.max_rss_bytes)],
    ["Attempt", `${job.attempt ?? 0} of ${job.max_attempts ?? 1}`],
    ["Queue", [job.queue, job.priority ? `priority ${job.priority}` : null].filter(Boolean).join(", ") || unknown],
    ["Ran by", ran ? `${ran.node}, acceptor ${ran.acceptor}, pid ${ran.pid}` : unknown],
    job.expires_at ? ["Kept until", time(job.expires_at)] : null,
  ].filter((line) => line !== null);
  reconcile(facts, lines, ([name]) => name,
    ([name]) => element("div", {}, element("dt", {}, name), element("dd")),
    (node, [, text]) => setText(node.lastElementChild, text));
}

/// One attempt says nothing that the facts above do not.
function showAttempts(attempts) {
  sections.attempts.hidden = attempts.length < 2;
  reconcile(sections.attempts.lastElementChild, attempts, (attempt) => attempt.attempt,
    () => element("li"), (node, attempt) => {
      const took = attempt.usage?.wall_ms;
      const error = attempt.error;
      const end = error
        ? `${error.signal ?? words(error.type)}: ${error.message}`
        : attempt.finished_at ? "succeeded" : "running";
      setText(node, [time(attempt.started_at), took === undefined ? null : duration(took),
        attempt.run_by ? `pid ${attempt.run_by.pid}` : null, end].filter(Boolean).join(" · "));
    });
}

/// `memory_exceeded` as one would say it.
const words = (name) => name?.replaceAll("_", " ");

function section(title, ...content) {
  return element("section", { hidden: true }, element("h3", {}, title), ...content);
}
