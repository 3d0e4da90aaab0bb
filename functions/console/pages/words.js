// Security events and findings in sentences. The keys are those of the service; tests compare them.

import { amount, counted } from "/pages/texts.js";
import { span } from "/pages/times.js";

const plural = (count, noun) => counted(Number(count ?? 0), noun);
const lasting = (seconds) => span(Math.max(1, seconds));
const quoted = (note) => (note ? `: “${note}”` : "");
const known = (text, otherwise = "unknown") => text || otherwise;

// Why something ended: revoke_reason.
export const REASONS = {
  logout: "signed out",
  revoked: "its token was revoked",
  reuse: "an old key came back",
  evicted: "too many sessions",
  replaced: "its browser signed in anew",
  device_forgotten: "its device was forgotten",
  admin: "an operator ended it",
  user_disabled: "the user was disabled",
  user_deleted: "the user was deleted",
  password_changed: "the password was changed",
  cut_off: "everything before an instant was ended",
};
const because = ({ reason, note }) => `${REASONS[reason] ?? known(reason, "for an unknown reason")}${quoted(note)}`;
const TOKENS = { refresh: "refresh token", session: "session cookie", device: "device token" };
const token = ({ token_type: kind }) => TOKENS[kind] ?? "token";

// What happened, as the rest of a sentence that begins with the user. d: an event's detail.
const EVENTS = {
  login_succeeded: ["Signed in", () => "signed in with a password"],
  login_failed: ["Failed sign-in", () => "could not sign in: wrong name or password"],
  session_issued: ["Session issued", () => "got a session from a trusted backend or a remembered device"],
  session_taken_over: ["Session taken over", (d) => `brought a ${token(d)} of the Portal, which became a session`],
  legacy_token_revoked: ["Portal token revoked", (d) => `had a ${token(d)} of the Portal revoked`],
  step_up_succeeded: ["Confirmed", () => "confirmed who they are"],
  step_up_failed: ["Not confirmed", () => "gave a wrong password when asked to confirm who they are"],
  new_device: ["New device", () => "signed in on a new device"],
  session_evicted: ["Session evicted", () => "had too many sessions, and one of them ended"],
  token_reuse_detected: [
    "Reused key",
    (d) => `had an old ${token(d)} come back ${lasting(d.seconds_since_rotation ?? 0)} after it was replaced; that ended it`,
  ],
  session_revoked: ["Session ended", (d) => `had a session end: ${because(d)}`],
  device_revoked: ["Device ended", (d) => `had a device end: ${because(d)}`],
  access_token_revoked: ["Access token revoked", () => "had one access token revoked"],
  user_revoked: ["Everything ended", (d) => `had everything end: ${because(d)}`],
  sessions_cut_off: [
    "Sessions cut off",
    (d) => `All sessions ${d.client_id ? `of ${d.client_id} ` : ""}up to an instant ended${quoted(d.note)}`,
  ],
  keys_rotated: ["Keys rotated", (d) => `Keys moved on${quoted(d.note)}`],
  signing_key_withdrawn: ["Signing key withdrawn", (d) => `Signing key ${known(d.kid)} was withdrawn${quoted(d.note)}`],
  data_key_withdrawn: ["Data key withdrawn", (d) => `Data key ${known(d.kid)} was withdrawn${quoted(d.note)}`],
  session_moved: [
    "Session moved",
    (d) =>
      `moved ${d.km === undefined ? "far" : `${amount(d.km)} km`} in ${lasting(d.elapsed_s ?? 0)}, from ${known(d.from_place, "a place unknown")}`,
  ],
  refresh_burst: ["Refresh burst", () => "refreshed a session far more often than needed"],
  token_key_mismatch: ["Key missing", (d) => `had a ${token(d)} come without its key; it was refused`],
  finding: [
    "Finding",
    (d) => `${titleOfRule(d.rule)}: ${plural(d.events, "event")}, ${plural(d.accounts, "account")}, ${plural(d.sources, "source")}${gotIn(d)}`,
  ],
  finding_changed: ["Finding changed", (d) => `A finding is now ${known(d.state)}${quoted(d.note)}`],
  events_replayed: ["Events replayed", (d) => `Events were sent to the bus again${quoted(d.note)}`],
  event_skipped: ["Event skipped", (d) => `An event was given up that the bus refused${quoted(d.note)}`],
  figures_recounted: ["Figures recounted", (d) => `Figures were counted again${quoted(d.note)}`],
};
// Sentences of their own: nobody does these to an account.
const WHOLE = [
  "sessions_cut_off",
  "keys_rotated",
  "signing_key_withdrawn",
  "data_key_withdrawn",
  "finding",
  "finding_changed",
  "events_replayed",
  "event_skipped",
  "figures_recounted",
];

export const EVENT_TYPES = Object.keys(EVENTS);
export const isOfNobody = (event) => WHOLE.includes(event.type);
export const titleOfType = (type) => EVENTS[type]?.[0] ?? type;
export const sayEvent = (event) => EVENTS[event.type]?.[1](event.detail ?? {}) ?? `${event.type}, which this page does not know`;

const within = (finding) => `in ${lasting((finding.last_at ?? 0) - (finding.first_at ?? 0))}`;
const accounts = (finding) => plural(finding.accounts, "account");
const sources = (finding) => plural(finding.sources, "source");
const gotIn = (finding) => (finding.entered ? `; ${amount(finding.entered)} got in` : "");

// What each rule found, and what to do about it; the runbook has more.
const RULES = {
  stuffing_from_one_source: {
    title: "Stuffing from one source",
    says: (f) => `${accounts(f)} tried from ${f.sources === 1 ? "one source" : sources(f)} ${within(f)}${gotIn(f)}`,
    next: "End the sessions that came from there, and block the address at the edge.",
  },
  stuffing_from_many_sources: {
    title: "Stuffing from many sources",
    says: (f) => `${accounts(f)} tried from ${sources(f)} ${within(f)}, few times each`,
    next: "Raise the limits at the edge, and find who got in from a new place.",
  },
  guessing_one_account: {
    title: "Guessing one account",
    says: (f) => `${plural(f.events, "wrong password")} for one account from ${sources(f)} ${within(f)}${f.entered ? "; somebody got in afterwards" : ""}`,
    next: "If somebody got in after the last of them, end everything of the user and tell them.",
  },
  reuse_spike: {
    title: "Many reused keys",
    says: (f) => `${plural(f.events, "old key")} of ${accounts(f)} came back ${within(f)}`,
    next: "Compare who showed the keys with who replaced them: alike is a faulty client, otherwise they were stolen.",
  },
  far_apart: {
    title: "Far apart",
    says: (f) => `One session was used in places too far apart, ${plural(f.events, "time")} within the hour`,
    next: "Ask the user; if they were not both, end the session.",
  },
  device_burst: {
    title: "Many new devices",
    says: (f) => `${plural(f.events, "new device")} of one user ${within(f)}`,
    next: "Ask the user; end everything of theirs if it was not them.",
  },
  revocation_storm: {
    title: "Many ends at once",
    says: (f) => `${plural(f.events, "end")} of sessions or devices, of ${accounts(f)} ${within(f)}`,
    next: "Look who ended them: their reason and actor are in the events.",
  },
  refresh_burst: {
    title: "Refreshing too often",
    says: (f) => `One session refreshed far above its client's rate, ${plural(f.events, "time")} ${within(f)}`,
    next: "If the client's developers know nothing of it, end the session.",
  },
};

export const RULE_NAMES = Object.keys(RULES);
export const SEVERITIES = ["high", "medium", "low"];
export const titleOfRule = (rule) => RULES[rule]?.title ?? rule;
export const sayFinding = (finding) => RULES[finding.rule]?.says(finding) ?? `${finding.rule}: ${plural(finding.events, "event")}`;
export const nextStep = (finding) => RULES[finding.rule]?.next ?? "See the runbook.";
