// How values look to people.

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compactCounts = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const timeParts = {
  month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
};
const times = new Intl.DateTimeFormat(undefined, timeParts);
const timesOfOtherYears = new Intl.DateTimeFormat(undefined, { year: "numeric", ...timeParts });

export const unknown = "–";

const missing = (value) => value === null || value === undefined || Number.isNaN(value);

export const count = (value) => (missing(value) ? unknown : counts.format(value));
export const compactCount = (value) => (missing(value) ? unknown : compactCounts.format(value));
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export function rate(perSecond) {
  if (missing(perSecond)) return unknown;
  return perSecond >= 10 || perSecond === 0 ? counts.format(perSecond) : perSecond.toFixed(1);
}

export function bytes(value) {
  if (missing(value)) return unknown;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/// A measured time, to three significant digits: `12.9 ms`, `3.21 s`, `2 m 05 s`.
export function duration(milliseconds) {
  if (missing(milliseconds)) return unknown;
  if (milliseconds < 10) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 999.5) return `${milliseconds.toPrecision(3)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toPrecision(3)} s`;
  return span(milliseconds);
}

/// A time that goes on, in whole units: `4 s`, `2 m 05 s`, `3 h 10 m`, `5 d 2 h`.
export function span(milliseconds) {
  if (missing(milliseconds)) return unknown;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

export function time(timestamp) {
  if (!timestamp) return unknown;
  const date = new Date(timestamp);
  return (date.getFullYear() === new Date().getFullYear() ? times : timesOfOtherYears).format(date);
}

/// The end of an id: a UUIDv7 begins with the time, so neighbours differ only there.
export const shortID = (id) => `…${id.slice(-8)}`;

// The server's clock minus this machine's. Ages are told by the server's, or a laptop that is wrong would show them
// wrong.
let clockSkewMilliseconds = 0;

export function noteServerTime(milliseconds) {
  const skew = milliseconds - Date.now();
  // Below this it is the way of the reply and the rounding of the uptime, not a clock that is wrong.
  clockSkewMilliseconds = Math.abs(skew) > 2000 ? skew : 0;
}

/// Milliseconds since a timestamp, `null` where there is none.
export const since = (timestamp) =>
  timestamp ? Math.max(0, Date.now() + clockSkewMilliseconds - Date.parse(timestamp)) : null;
