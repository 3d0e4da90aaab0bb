// What operators do about findings: say that they look into it, close it, take that back, end what came from a source.

import { program } from "/pages/agents.js";
import { asked } from "/pages/dialogs.js";
import { element } from "/pages/dom.js";
import { holdsElsewhere } from "/pages/frame.js";
import { attempt, request } from "/pages/session.js";
import { counted, country } from "/pages/texts.js";
import { ago } from "/pages/times.js";
import { failure, notice } from "/pages/toasts.js";
import { titleOfRule } from "/pages/words.js";

const MAX_NOTE = 200;
const AT_ONCE = 100; // sessions that one request ends
const ACTS = {
  acknowledged: {
    title: "Acknowledge",
    question: "Acknowledge this finding?",
    told: "The others see that you look into it.",
    done: "Acknowledged.",
  },
  closed: { title: "Close", question: "Close this finding?", told: "It is done with. What comes later opens it again.", done: "Closed." },
  open: {
    title: "Open again",
    question: "Open this finding again?",
    told: "It goes back to those that nobody looks into.",
    done: "Open again.",
  },
};
const NEXT = { open: ["acknowledged", "closed"], acknowledged: ["closed", "open"], closed: ["open"] };

/** The buttons that a finding's state allows. finding: of its group, the newest; after: called once it is done. */
export function stateButtons(finding, after) {
  return NEXT[finding.state].map((state) =>
    element(
      "button",
      {
        type: "button",
        "data-act": state,
        "data-focus": `${finding.rule} ${finding.subject} ${state}`,
        onclick: () => changeState(finding, state, after),
      },
      ACTS[state].title,
    ),
  );
}

/** Asks for a note, and says it of this finding and all earlier ones of its rule and subject. */
export function changeState(finding, state, after) {
  const { title, question, told, done } = ACTS[state];
  return attempt(async () => {
    const field = { label: "Note (may be empty)", maxLength: MAX_NOTE, isRequired: false };
    const note = await asked({ title: question, told: [titleOfRule(finding.rule), told], act: title, isDanger: false, field });
    if (note === null) return;
    await request("POST", `/console/findings/${finding.id}/state`, note ? { state, note } : { state });
    await after();
    notice(done);
  });
}

/** Lists the sessions that came from a finding's source, and ends exactly these, once the operator agrees. */
export function endFromSource(finding, after) {
  return attempt(async () => {
    const sessions = await sessionsOf(finding);
    if (!sessions.length) return notice("No live session came from this source in the hour before it was found, or since.");
    const users = new Set(sessions.map(({ user_id: id }) => id)).size;
    const reason = await asked({
      title: `End ${counted(sessions.length, "session")} of ${counted(users, "user")}?`,
      told: [
        "Each began from this source in the hour before it was found, or since. Its device ends as well, and signs in again only with the password.",
        holdsElsewhere(),
        listed(sessions),
      ],
      act: `End ${counted(sessions.length, "session")}`,
      field: { label: "Reason, for the record", maxLength: MAX_NOTE },
    });
    if (reason === null) return;
    const { ended, left } = await endAll(
      sessions.map(({ row }) => row.id),
      reason,
    );
    await after();
    if (left) failure(`${counted(ended, "session")} ended, ${left} not yet. Please try again.`);
    else notice(`${counted(ended, "session")} ended.`);
  });
}

async function sessionsOf(finding) {
  const sessions = [];
  let cursor = null;
  do {
    const page = await request("GET", `/console/findings/${finding.id}/sessions${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`);
    sessions.push(...page.sessions);
    cursor = page.next_cursor;
  } while (cursor);
  return sessions;
}

function listed(sessions) {
  const rows = sessions.map(({ username, user_id: id, row }) => {
    const about = [row.name, program(row.user_agent), country(row.place), row.address].filter(Boolean).join(" · ");
    return element(
      "li",
      {},
      element("bdi", { class: "cut" }, username ?? id),
      element("span", { class: "quiet" }, about, about && " · ", "signed in ", ago(row.created_at)),
    );
  });
  return element("ul", { class: "listed", tabindex: "0", "aria-label": "The sessions that end" }, rows);
}

// The service may leave some for want of time: they are sent again as long as any end. left: how many did not.
async function endAll(ids, reason) {
  let ended = 0;
  let waiting = ids;
  while (waiting.length) {
    const answer = await request("POST", "/console/sessions/revoke", { session_ids: waiting.slice(0, AT_ONCE), reason });
    ended += answer.ended.filter(({ revoked }) => revoked).length;
    if (answer.left.length === Math.min(waiting.length, AT_ONCE)) break;
    waiting = [...answer.left, ...waiting.slice(AT_ONCE)];
  }
  return { ended, left: waiting.length };
}
