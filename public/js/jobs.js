// The table of the latest jobs, from `GET /v1/jobs`.

import { byID, element, reconcile, setAttribute, setText } from "./dom.js";
import { getJSON } from "./api.js";
import { duration, shortID, since, span, time, unknown } from "./format.js";

const rowsAPage = 25;
const rows = byID("jobs");
const empty = byID("jobs-empty");
const filters = byID("filters");
const newestButton = byID("newest");
const olderButton = byID("older");

// Where the shown page begins; null is the newest. It is asked for again and again like the first, so its jobs stay
// live too.
let cursor = null;
let nextCursor = null;

/// - Parameter refresh: asks for the table now, after the reader chose what to see.
export function startTable(refresh) {
  const show = (newCursor) => {
    cursor = newCursor;
    refresh();
  };
  filters.addEventListener("change", () => show(null));
  filters.addEventListener("submit", (event) => event.preventDefault());
  newestButton.addEventListener("click", () => show(null));
  olderButton.addEventListener("click", () => show(nextCursor));
  rows.addEventListener("click", (event) => {
    // The whole row opens its job, for pointers; the link in it does for the keyboard.
    if (event.target.closest("a") || !getSelection().isCollapsed) return;
    event.target.closest("tr")?.querySelector("a").click();
  });
}

export async function loadTable() {
  const query = new URLSearchParams({ limit: rowsAPage });
  for (const select of filters.elements) if (select.value) query.set(select.name, select.value);
  if (cursor !== null) query.set("cursor", cursor);
  const asked = query.toString();
  const page = await getJSON(`/v1/jobs?${asked}`);
  nextCursor = page.next_cursor;
  reconcile(rows, page.jobs, (job) => job.id, createRow, updateRow);
  empty.hidden = page.jobs.length > 0;
  setText(empty, query.has("state") || query.has("handler") ? "No job fits the filter." : "No jobs yet. Submit one.");
  newestButton.disabled = cursor === null;
  olderButton.disabled = nextCursor === null;
}

/// A refusal, such as of a cursor whose time has passed; that the server is away is told elsewhere.
export function showTableProblem(error) {
  if (error === null || error.meansAway) return;
  rows.replaceChildren();
  empty.hidden = false;
  setText(empty, error.message);
}

export function offerHandlers(names) {
  const select = filters.elements.handler;
  reconcile(select, ["", ...names], (name) => `handler ${name}`,
    (name) => element("option", { value: name }, name || "any"), () => {});
}

function createRow(job) {
  return element("tr", {},
    element("td", {}, element("span", { class: "badge" })),
    element("td", { class: "handler" }, element("a", { href: `#job/${job.id}` }, job.handler),
      element("span", { class: "narrow mono" }, shortID(job.id))),
    element("td", { class: "wide mono", title: job.id }, shortID(job.id)),
    element("td", { class: "wide progress-column" },
      element("progress", { hidden: true }), element("span", { class: "error-note" })),
    element("td", { class: "number wide" }), element("td", { class: "number" }),
    element("td", { class: "number wide" }), element("td", { class: "number" }));
}

function updateRow(row, job) {
  const [state, , , progress, attempt, wall, cpu, age] = row.children;
  showState(state.firstElementChild, job.state);
  showProgress(progress, job);
  const attemptsAllowed = job.max_attempts > 1 ? ` of ${job.max_attempts}` : "";
  setText(attempt, job.attempt > 0 ? `${job.attempt}${attemptsAllowed}` : unknown);
  setText(wall, job.usage?.wall_ms !== undefined && job.done ? duration(job.usage.wall_ms) : runningFor(job));
  setText(cpu, duration(job.done ? job.usage?.cpu_ms : null));
  setText(age, span(since(job.created_at)));
  setAttribute(age, "title", `created ${time(job.created_at)}`);
}

const runningFor = (job) => (job.state === "running" ? span(since(job.started_at)) : unknown);

export function showState(badge, state) {
  badge.dataset.state = state;
  setText(badge, state);
}

/// A bar while the job reports how far it is, and what went wrong where it failed: both answer "how did it go".
function showProgress(cell, job) {
  const [bar, note] = cell.children;
  const { completed, total, message } = job.progress ?? {};
  const hasBar = !job.done && job.state === "running" && total > 0;
  bar.hidden = !hasBar;
  if (hasBar) {
    bar.max = total;
    bar.value = completed;
    setAttribute(bar, "aria-label", `${completed} of ${total}`);
  }
  const failure = job.error ? job.error.signal ?? job.error.message ?? job.error.type : null;
  const unmeasured = !hasBar && completed > 0 ? `${completed} done` : null;
  setText(note, job.state === "running" ? message ?? unmeasured : failure);
  setAttribute(note, "title", job.state === "running" ? null : job.error?.message);
}
