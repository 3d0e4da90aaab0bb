// Why something did not work, in a sentence for people, and what they can do about it.

import { AuthError } from "/pages/client.js";
import { span } from "/pages/times.js";

export const STEP_UP = "insufficient_user_authentication"; // RFC 9470

const OFFLINE = "You are offline. What you see may be old; nothing that you do is sent.";
const NOT_OURS = "The service did not take this for a request of this page. Nothing was changed. Please load the page again.";
const SENTENCES = {
  [STEP_UP]: "This asks for a recent sign-in with your password. Nothing was changed.",
  unreachable: "The service cannot be reached. Nothing was changed as far as this page knows.",
  bad_answer: "Something between you and the service answered in its place, perhaps the sign-in page of a network.",
  session_over: "Your session is over. Please sign in again.",
  signed_out: "You are signed out.",
  not_found: "That is not there, or not any more: it may have ended meanwhile.",
  session_limit_reached: "You have as many sessions as you may have. Sign out somewhere else first.",
  server_error: "The service failed at this. It is not your doing; it was noted there.",
};

/** Is it a refusal or a failure that people can be told of, and no fault of the page? */
export const isExpected = (error) => error instanceof AuthError;

/** { text, way }. way: "retry", "reload" or null; text: with how long to wait, where the service says that. */
export function told(error) {
  if (error.code === "unreachable" && !navigator.onLine) return { text: OFFLINE, way: "retry" };
  if (error.status === 429) return { text: `Too many attempts. ${waiting(error)}`, way: "retry" };
  if (error.code === "temporarily_unavailable") return { text: `${unavailable(error)} ${waiting(error)}`, way: "retry" };
  if (error.code === "access_denied" && error.message.includes("X-CSRF-Token")) return { text: NOT_OURS, way: "reload" };
  const way = ["unreachable", "bad_answer", "server_error", STEP_UP].includes(error.code) ? "retry" : null;
  return { text: SENTENCES[error.code] ?? error.message, way };
}

// A 502 of a gateway is no answer of the service: it may be down for longer.
function unavailable({ status }) {
  return status === 503 ? "The service is busy." : `The service did not answer; what is before it said ${status}.`;
}

function waiting({ retryAfterMs }) {
  return retryAfterMs ? `Please try again in ${span(Math.ceil(retryAfterMs / 1000))}.` : "Please try again in a moment.";
}
