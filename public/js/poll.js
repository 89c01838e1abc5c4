// When to ask again: one request in flight, at most one a second, none while nobody looks, fewer while the server is
// away.

const intervalMilliseconds = 1000;
const retryMilliseconds = [1000, 2000, 5000];

/// Calls `load` (which gives a promise) again and again until `stop`. `load` handles its data itself; whether it
/// succeeded or threw goes to `report(error or null)`.
export class Poller {
  #load;
  #report;
  #timer = null;
  #inFlight = false;
  #askAgain = false;
  #failures = 0;
  #running = false;

  constructor(load, report = () => {}) {
    this.#load = load;
    this.#report = report;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.#timer);
      else this.refresh();
    });
  }

  start() {
    this.#running = true;
    this.refresh();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /// Asks now; where a request is in flight, its answer may be older than what the caller just did, so once more
  /// after it.
  refresh() {
    if (!this.#running) return;
    if (this.#inFlight) this.#askAgain = true;
    else this.#ask();
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#inFlight = true;
    this.#askAgain = false;
    const began = performance.now();
    try {
      await this.#load();
      this.#failures = 0;
      this.#report(null);
    } catch (error) {
      this.#failures += 1;
      this.#report(error);
    } finally {
      this.#inFlight = false;
    }
    if (!this.#running || document.hidden) return;
    if (this.#askAgain) {
      this.#ask();
      return;
    }
    const pause = this.#failures === 0
      ? Math.max(100, intervalMilliseconds - (performance.now() - began))
      : retryMilliseconds[Math.min(this.#failures, retryMilliseconds.length) - 1];
    this.#timer = setTimeout(() => this.refresh(), pause);
  }
}
