// The process tree as a picture, from `GET /v1/processes`: master → acceptors → fork server → workers. It is made of
// nested lists, so that it reads as a tree without the picture too.

import { byID, element, reconcile, setAttribute, setText } from "./dom.js";
import { bytes, count, plural, shortID, since, span } from "./format.js";
import { showBusyWorkers } from "./overview.js";

const frame = byID("processes");
const summary = byID("process-summary");
// With more workers than this an acceptor's are drawn as bare cells; what they say stands in their titles.
const labelledWorkers = 16;

let masterBox = null;
let acceptorList = null;

export function showProcesses(master) {
  if (masterBox === null) {
    masterBox = box("master");
    acceptorList = element("ul", { class: "acceptors", "aria-label": "Acceptors" });
    frame.replaceChildren(masterBox, acceptorList);
  }
  fillBox(masterBox, {
    name: "master", process: master, state: null,
    lines: [`pid ${master.pid}`, bytes(master.rss_bytes)],
    title: master.started_at ? `Up ${span(since(master.started_at))}` : null,
  });
  const acceptors = master.acceptors ?? [];
  reconcile(acceptorList, acceptors, (acceptor) => acceptor.index, createAcceptor, updateAcceptor);

  const workers = acceptors.flatMap((acceptor) => acceptor.workers ?? []);
  const busy = workers.filter((worker) => worker.state === "busy").length;
  showBusyWorkers(busy, workers.length, sum(acceptors, "tasks_running") + sum(acceptors, "threads_running"));
  const memory = [master, ...acceptors, ...acceptors.map((acceptor) => acceptor.fork_server ?? {}), ...workers];
  setText(summary, `${plural(acceptors.length, "acceptor")}, ${plural(workers.length, "worker")}, `
    + `${bytes(sum(memory, "rss_bytes"))} resident`);
}

function createAcceptor() {
  return element("li", { class: "acceptor" }, box("acceptor"), box("fork-server"),
    element("ul", { class: "workers", "aria-label": "Workers" }));
}

function updateAcceptor(row, acceptor) {
  const [acceptorBox, forkServerBox, workerList] = row.children;
  const tasks = [plural(acceptor.connections ?? 0, "connection")];
  if (acceptor.tasks_running > 0) tasks.push(plural(acceptor.tasks_running, "task"));
  if (acceptor.threads_running > 0) tasks.push(plural(acceptor.threads_running, "thread"));
  const generation = acceptor.generation > 1 ? `, generation ${acceptor.generation}` : "";
  fillBox(acceptorBox, {
    name: `acceptor ${acceptor.index}`, process: acceptor, state: acceptor.state,
    lines: [`pid ${acceptor.pid} · ${bytes(acceptor.rss_bytes)}`, tasks.join(", ")],
    title: `Acceptor ${acceptor.index}${generation}`,
  });

  const forkServer = acceptor.fork_server;
  forkServerBox.hidden = !forkServer;
  if (forkServer) {
    fillBox(forkServerBox, {
      name: "fork server", process: forkServer, state: null,
      lines: [`pid ${forkServer.pid}`, bytes(forkServer.rss_bytes)], title: null,
    });
  }

  const workers = acceptor.workers ?? [];
  setAttribute(workerList, "data-dense", workers.length > labelledWorkers);
  // A cell that changes between link and text is made anew, hence both in its key.
  const keyOf = (worker) => `${worker.pid}-${worker.job ? "link" : "text"}`;
  reconcile(workerList, workers, keyOf, createWorker, updateWorker);
}

function createWorker(worker) {
  return element("li", {}, element(worker.job ? "a" : "span", { class: "worker" },
    element("span", { class: "worker-pid" }), element("span", { class: "worker-note" })));
}

function updateWorker(item, worker) {
  const cell = item.firstElementChild;
  const [pid, note] = cell.children;
  cell.dataset.state = worker.state;
  if (worker.job) setAttribute(cell, "href", `#job/${worker.job}`);
  setText(pid, worker.pid);
  setText(note, worker.job ? shortID(worker.job) : `${count(worker.jobs_done)} done`);
  const doing = worker.job ? `busy with job ${worker.job}` : worker.state;
  setAttribute(cell, "title",
    `Worker ${worker.pid}: ${doing}, ${plural(worker.jobs_done, "job")} done, ${bytes(worker.rss_bytes)} resident`);
}

function box(kind) {
  return element("div", { class: `process ${kind}` },
    element("p", { class: "process-name" }, element("span"), element("span", { class: "process-state" }),
      element("span", { class: "restarts", role: "img", hidden: true })),
    element("p", { class: "process-facts" }), element("p", { class: "process-facts" }));
}

function fillBox(node, { name, process, state, lines, title }) {
  const [nameLine, ...facts] = node.children;
  const [nameText, stateText, restarts] = nameLine.children;
  setText(nameText, name);
  setText(stateText, state);
  restarts.hidden = !(process.restarts > 0);
  setText(restarts, `↻ ${process.restarts}`);
  const restarted = `restarted ${plural(process.restarts ?? 0, "time")}`;
  setAttribute(restarts, "title", restarted);
  setAttribute(restarts, "aria-label", restarted);
  facts.forEach((fact, index) => setText(fact, lines[index]));
  setAttribute(node, "title", title);
}

const sum = (items, field) => items.reduce((total, item) => total + (item[field] ?? 0), 0);
