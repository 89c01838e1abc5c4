// The page's beginning: which resource is asked for how, and who shows it. Each module below answers one question and
// knows nothing of the others' pollers.

import { getJSON } from "./api.js";
import { watchConnection } from "./connection.js";
import { startDetails } from "./details.js";
import { loadTable, offerHandlers, showTableProblem, startTable } from "./jobs.js";
import { showOverview } from "./overview.js";
import { Poller } from "./poll.js";
import { showProcesses } from "./processes.js";
import { loadHandlers, startSubmit } from "./submit.js";

const bodyTakers = new Set();
let handlersOf = null;
let generation = 0;

const connection = watchConnection(() => pollers.forEach((poller) => poller.refresh()));
// The service's own poll is the one that tells whether the server is there; the others would only say the same again.
const service = new Poller(async () => {
  const status = await getJSON("/v1");
  showOverview(status);
  await readHandlersOnceFor(status);
}, connection.report);
const processes = new Poller(async () => {
  const master = await getJSON("/v1/processes");
  showProcesses(master);
  generation = Math.max(0, ...(master.acceptors ?? []).map((acceptor) => acceptor.generation ?? 0));
}, logFault);
const table = new Poller(loadTable, (error) => {
  showTableProblem(error);
  logFault(error);
});
const pollers = [service, processes, table];

startTable(() => table.refresh());
startSubmit(() => table.refresh());
startDetails((handler) => bodyTakers.has(handler), () => table.refresh());
pollers.forEach((poller) => poller.start());

/// Handlers change only with the server's configuration: at its start, and with a new generation of acceptors.
async function readHandlersOnceFor(status) {
  const configuration = `${status.started_at} ${generation}`;
  if (handlersOf === configuration) return;
  const handlers = await loadHandlers();
  bodyTakers.clear();
  for (const handler of handlers) if (handler.accepts_body) bodyTakers.add(handler.name);
  offerHandlers(handlers.map((handler) => handler.name));
  handlersOf = configuration;
}

/// A problem is told by the connection; anything else is a fault of this page.
function logFault(error) {
  if (error !== null && error.name !== "Problem") console.error(error);
}
