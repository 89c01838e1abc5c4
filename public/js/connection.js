// Whether what the page shows is live, said in the header, and in a banner when it is not.

import { byID, setText } from "./dom.js";
import { Problem, token } from "./api.js";

const mark = byID("connection");
const banner = byID("banner");
const tokenForm = byID("token-form");
let awaySince = null;

/// - Parameter whenBack: called when the server answers again, or a token was given, so that nothing waits out its
///   pause.
export function watchConnection(whenBack) {
  document.addEventListener("millrace-unauthorized", () => {
    const request = token.get() ? "The server refused this token; another one" : "This server wants a token";
    setText(byID("token-label"), request);
    tokenForm.hidden = false;
  });
  tokenForm.addEventListener("submit", (event) => {
    event.preventDefault();
    token.set(byID("token").value.trim());
    tokenForm.hidden = true;
    whenBack();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) show("paused");
  });
  return {
    /// Takes the outcome of each poll of the service: `null`, or what was thrown.
    report(error) {
      if (error === null) {
        const wasAway = awaySince !== null;
        awaySince = null;
        setText(banner, "");
        show("live");
        if (wasAway) whenBack();
        return;
      }
      // A fault of the page itself must not hide behind "offline".
      if (!(error instanceof Problem)) console.error(error);
      awaySince ??= new Date();
      show(error.status === 401 ? "locked" : "offline");
      setText(banner, error.status === 401 ? "" : sentence(error));
    },
  };
}

function sentence(error) {
  const clock = awaySince.toLocaleTimeString(undefined, { hourCycle: "h23" });
  return `${error.message} What you see is from ${clock}; trying again every few seconds.`;
}

function show(state) {
  if (mark.dataset.state === state) return;
  mark.dataset.state = state;
  setText(mark, state);
}
