// What can be done to the job in the panel: cancel, retry, delete, copy as curl.

import { byID, copyText, setText } from "./dom.js";
import { Problem, send } from "./api.js";
import { curlLike } from "./curl.js";

const outcome = byID("details-outcome");
const buttons = new Map();
for (const button of document.querySelectorAll("[data-action]")) buttons.set(button.dataset.action, button);
const askedAgainMilliseconds = 4000;
let job = null;
let exact = null;
let confirmTimer = null;

/// - Parameter owner: `takesBody(handler)`, `changed()` after a cancel or retry, `deleted()`.
export function prepareActions(owner) {
  buttons.get("cancel").addEventListener("click", () => act("cancel", () => owner.changed()));
  buttons.get("retry").addEventListener("click", () => act("retry", () => owner.changed()));
  buttons.get("delete").addEventListener("click", () => {
    if (confirmTimer === null) askAgain();
    else act("delete", () => owner.deleted());
  });
  buttons.get("curl").addEventListener("click", async () => {
    const args = JSON.stringify(exact.args) ?? "{}";
    const copied = await copyText(curlLike(job, args, owner.takesBody(job.handler)));
    setText(outcome, copied ? "Copied: submits this job again." : "The browser did not allow copying.");
  });
}

/// Offers what fits the job's state; nothing while there is no job.
export function showActions(newJob, newExact) {
  if (newJob?.id !== job?.id || newJob === null) {
    setText(outcome, "");
    withdrawConfirmation();
  }
  job = newJob;
  exact = newExact;
  offer("cancel", job !== null && !job.done);
  offer("retry", job?.state === "failed" || job?.state === "cancelled");
  offer("delete", job?.done === true);
  offer("curl", job !== null);
}

/// A button that goes while it has the focus would drop it to the page's start; the panel's own content takes it.
function offer(action, fits) {
  const button = buttons.get(action);
  if (!fits && document.activeElement === button) byID("details-body").focus();
  button.hidden = !fits;
}

async function act(action, then) {
  const button = buttons.get(action);
  const path = `/v1/jobs/${job.id}`;
  button.disabled = true;
  withdrawConfirmation();
  try {
    if (action === "delete") {
      await send("DELETE", path);
      setText(outcome, "");
    } else {
      const response = await send("POST", `${path}/${action}`);
      const done = action === "retry" ? "Queued once more." : "Cancelled.";
      setText(outcome, action === "cancel" && response.status === 202 ? "Being stopped." : done);
    }
    then();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    setText(outcome, error.message);
  } finally {
    button.disabled = false;
  }
}

/// Deleting cannot be undone, and a second press of the same button is quicker to give than a question in a window.
function askAgain() {
  setText(buttons.get("delete"), "Delete for good?");
  confirmTimer = setTimeout(withdrawConfirmation, askedAgainMilliseconds);
}

function withdrawConfirmation() {
  clearTimeout(confirmTimer);
  confirmTimer = null;
  setText(buttons.get("delete"), "Delete");
}
