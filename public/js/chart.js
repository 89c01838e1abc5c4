// A small line over the last minutes. It shows the shape; the figures stand beside it.

const windowMilliseconds = 180_000;
// A page just opened begins with a shorter window, or its line would be a sliver at the edge for a while.
const firstWindowMilliseconds = 10_000;
// Longer than any pause between polls: across it (a hidden tab, a server that was away) nothing is known, so no line
// is drawn.
const gapMilliseconds = 8000;
const width = 180;
const height = 36;

/// One series, drawn as an SVG of its own into `frame`.
export class Sparkline {
  #samples = [];
  #name;
  #picture;
  #line;
  #area;
  #peak;

  constructor(frame, name) {
    this.#name = name;
    this.#picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
    this.#area = shape("path", { class: "area" });
    this.#line = shape("path", { class: "line" });
    this.#picture.append(this.#area, this.#line);
    this.#peak = document.createElement("span");
    this.#peak.className = "peak";
    this.#peak.setAttribute("aria-hidden", "true");
    frame.append(this.#picture, this.#peak);
  }

  /// Adds a value of now, and forgets what has left the window.
  add(value, format) {
    const now = performance.now();
    this.#samples.push({ at: now, value });
    while (this.#samples[0].at < now - windowMilliseconds) this.#samples.shift();
    const peak = this.#samples.reduce((highest, sample) => Math.max(highest, sample.value), 0);
    // A line is drawn of something that happened, and from one moment to another; else it would be a stub at the edge.
    if (peak > 0 && this.#samples.length > 1) this.#draw(now, peak);
    else this.#clear();
    this.#peak.textContent = peak > 0 ? `max ${format(peak)}` : "";
    const most = peak > 0 ? `at most ${format(peak)}` : "none";
    this.#picture.setAttribute("aria-label", `${this.#name}, last three minutes: ${most}`);
  }

  #clear() {
    this.#line.removeAttribute("d");
    this.#area.removeAttribute("d");
  }

  #draw(now, peak) {
    const span = Math.max(firstWindowMilliseconds, now - this.#samples[0].at);
    let line = "";
    let area = "";
    let start = null;
    let last = null;
    const close = () => {
      if (last !== null) area += `L${last.x} ${height}L${start.x} ${height}Z`;
    };
    for (const { at, value } of this.#samples) {
      const x = round(width - ((now - at) / span) * width);
      // Half a stroke stays free at both edges.
      const y = round(height - 1 - (peak > 0 ? value / peak : 0) * (height - 2));
      if (last === null || at - last.at > gapMilliseconds) {
        close();
        line += `M${x} ${y}`;
        area += `M${x} ${y}`;
        start = { x };
      } else {
        line += `L${x} ${y}`;
        area += `L${x} ${y}`;
      }
      last = { at, x };
    }
    close();
    this.#line.setAttribute("d", line);
    this.#area.setAttribute("d", area);
  }
}

const round = (value) => Math.round(value * 10) / 10;

function shape(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
