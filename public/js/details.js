// The panel that shows one job. Which one stands in the address (`#job/ID`), so that it can be linked to, and the
// browser's Back closes it. A modal dialog keeps the focus inside, gives it back at the end, and closes on Escape.

import { byID, setText } from "./dom.js";
import { parse, parseExactly, Problem, send, textOf } from "./api.js";
import { Poller } from "./poll.js";
import { prepareActions, showActions } from "./job-actions.js";
import { clearJob, showGone, showJob } from "./job-view.js";

const dialog = byID("details");
const heading = byID("jobs-heading");
// What is shown: `tag` is the entity tag of the last answer; `troubled`, that the last question had none.
let shown = null;
const poller = new Poller(load, report);

/// - Parameters:
///   - takesBody: whether the handler of that name takes a request body.
///   - changed: called after an action changed a job, so that the table can show it at once.
export function startDetails(takesBody, changed) {
  prepareActions({
    takesBody,
    changed() {
      poller.start();
      changed();
    },
    deleted() {
      close();
      // The row that had the focus is about to go.
      heading.focus();
      changed();
    },
  });
  addEventListener("hashchange", followAddress);
  dialog.addEventListener("close", leave);
  byID("details-close").addEventListener("click", close);
  dialog.addEventListener("click", (event) => {
    // A click on the dialog itself, not on what fills it, is one on the backdrop.
    if (event.target === dialog) close();
  });
  followAddress();
}

function followAddress() {
  const id = /^#job\/([0-9A-Za-z-]+)$/.exec(location.hash)?.[1] ?? null;
  if (id === null) {
    if (dialog.open) dialog.close();
    return;
  }
  if (shown?.id === id) return;
  shown = { id, tag: null, job: null, exact: null, troubled: false };
  clearJob(id);
  showActions(null);
  if (!dialog.open) dialog.showModal();
  poller.start();
}

function close() {
  if (dialog.open) dialog.close();
}

/// However it was closed, the address must no longer name the job; no entry is added, so Back leads where it led
/// before.
function leave() {
  poller.stop();
  shown = null;
  if (location.hash.startsWith("#job/")) history.replaceState(null, "", location.pathname + location.search);
}

async function load() {
  const asked = shown;
  if (asked === null) return;
  const headers = asked.tag ? { "If-None-Match": asked.tag } : {};
  const response = await send("GET", `/v1/jobs/${asked.id}`, { headers });
  if (response.status !== 304) {
    const text = await textOf(response);
    if (shown !== asked) return;
    asked.tag = response.headers.get("ETag");
    asked.job = parse(text);
    asked.exact = parseExactly(text);
  }
  if (shown !== asked) return;
  await showJob(asked.job, asked.exact, () => shown === asked);
  if (shown !== asked) return;
  showActions(asked.job, asked.exact);
  // A finished job never changes, unless it is retried, and then the poller is started anew.
  if (asked.job.done) poller.stop();
}

function report(error) {
  if (shown === null) return;
  if (error === null) {
    if (shown.troubled) setText(byID("details-outcome"), "");
    shown.troubled = false;
  } else if (error instanceof Problem && (error.status === 404 || error.status === 410)) {
    poller.stop();
    showGone(error.message);
    showActions(null);
  } else {
    setText(byID("details-outcome"), error.message);
    shown.troubled = true;
    if (!(error instanceof Problem)) console.error(error);
  }
}
