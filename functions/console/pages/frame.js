// What both pages have around them: the bar with where one is, who is signed in and the way out; the form to sign in; the
// messages. A page calls `start` once.

import { byId, element, focusOn } from "/pages/dom.js";
import { attempt, client, onEnded, request } from "/pages/session.js";
import { deviceFor, keepDevice } from "/pages/this-browser.js";
import { span } from "/pages/times.js";
import { clearNotices, notice, toastRegions } from "/pages/toasts.js";

const PRODUCT = "auth-user-tokens";
const PAGES = { account: "Account", security: "Security" };

let facts = null; // what the service says of itself
let person = null; // GET /auth/session
let shownTo = null; // the id of whom the page has something of

/** Who is signed in: { sub, username, session_id, device_id, labels, … }. */
export const me = () => person;

/** The service's own: { authorizers_learn_within_s, operators_label, password_url }. */
export const service = () => facts;

/** When an end holds where others' APIs check tokens by themselves. */
export const holdsElsewhere = () => `Here it holds at once, at other services within ${span(facts.authorizers_learn_within_s)}.`;

/** Builds the frame, and shows the page once somebody is signed in who may see it.

page: "account" or "security"; show: fills `#content`, at every sign-in anew; isAllowed: (person, service) → null, or the
sentences for who may not see it. */
export async function start(page, show, isAllowed = () => null) {
  build(page);
  const enter = () => attempt(() => entered(show, isAllowed), enter);
  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const { username, password } = Object.fromEntries(new FormData(byId("sign-in")));
      await client.signIn({ username, password, device: await deviceFor(username) });
      byId("sign-in").reset();
      await entered(show, isAllowed);
      focusOn(document.querySelector("h1"));
    });
  });
  byId("sign-out").addEventListener("click", () => attempt(() => client.signOut()));
  onEnded(() => leave("Your session is over. Please sign in again."));
  client.addEventListener("signedout", ({ detail }) =>
    leave(detail.reason === "session_over" ? "Your session is over. Please sign in again." : "You are signed out."),
  );
  client.addEventListener("signedin", ({ detail }) => person && person.session_id !== detail.session.sessionId && enter());
  if (await attempt(() => client.ready, () => location.reload())) await enter();
  else present("sign-in");
}

/** Who may see the operators' page. */
export function operatorsOnly(person, service) {
  const label = service.operators_label;
  if (!label) return ["This page is switched off: the service has no label for operators."];
  if (person.labels.includes(label)) return null;
  return [`This page is for operators: people with the label «${label}», which ${person.username} does not have.`];
}

async function entered(show, isAllowed) {
  [facts, person] = await Promise.all([request("GET", "/pages/settings.json"), request("GET", "/auth/session")]);
  if (shownTo !== null && shownTo !== person.sub) return location.reload(); // nobody sees what was another's
  shownTo = person.sub;
  clearNotices();
  await keepDevice(person.username, person.device_id);
  byId("person").replaceChildren(
    element("span", { class: "who" }, "Signed in as "),
    element("bdi", { title: person.username }, person.username),
  );
  const refusal = isAllowed(person, facts);
  present(refusal ? "refused" : "content");
  if (!refusal) return show();
  const account = element("a", { href: "/pages/account" }, "Your own sessions and devices");
  byId("refused").replaceChildren(...refusal.map((text) => element("p", {}, text)), account);
}

function leave(text) {
  const wasIn = person !== null;
  person = null;
  present("sign-in");
  if (wasIn) byId("sign-in").elements.username.focus();
  notice(text);
}

// One of them is on the screen.
function present(shown) {
  for (const id of ["sign-in", "refused", "content"]) byId(id).hidden = id !== shown;
  for (const id of ["person", "sign-out"]) byId(id).hidden = shown === "sign-in";
}

function build(page) {
  const links = Object.entries(PAGES).map(([name, title]) =>
    element("a", { href: `/pages/${name}`, "aria-current": name === page && "page" }, title),
  );
  const bar = element(
    "header",
    { class: "bar" },
    element("span", { class: "product" }, PRODUCT),
    element("nav", { "aria-label": "Pages" }, links),
    element("span", { id: "person", class: "person", hidden: true }),
    element("button", { id: "sign-out", type: "button", hidden: true }, "Sign out"),
  );
  document.body.prepend(bar);
  document.body.append(toastRegions());
  byId("content").before(signInForm(), element("div", { id: "refused", class: "card", hidden: true }));
}

function signInForm() {
  return element(
    "form",
    { id: "sign-in", class: "card", hidden: true, "aria-labelledby": "sign-in-title" },
    element("h2", { id: "sign-in-title" }, "Sign in"),
    element("label", {}, "User name", element("input", { name: "username", autocomplete: "username", required: true })),
    element("label", {}, "Password", element("input", { name: "password", type: "password", autocomplete: "current-password", required: true })),
    element("button", { type: "submit", class: "primary" }, "Sign in"),
  );
}
