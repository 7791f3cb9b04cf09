// Calls of the console, and the question before an act.

import {byId, say} from "./dom.js";

/** An answer that is no success. `status` 401 means that the session has ended. */
export class Refused extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

/** Longer than Redis may take to answer any call. */
const ANSWER_MILLISECONDS = 120_000;

export async function ask(path, {method = "GET", body, token} = {}) {
  const headers = {"x-intake-console": "1"};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`api/${path}`, {method, headers, body: body && JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(ANSWER_MILLISECONDS)});
  } catch {
    throw new Refused(0, "no_answer");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, content.error ?? String(answer.status));
  return content;
}

/** Asks before an act. Resolves to whether the answer was yes. */
export function confirmed(title, text, yes, {danger = false} = {}) {
  const dialog = byId("ask");
  say(byId("ask-title"), title);
  say(byId("ask-text"), text);
  say(byId("ask-yes"), yes);
  dialog.classList.toggle("danger", danger);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}

const TOLD_MILLISECONDS = 8000;
const TOLD_WRONG_MILLISECONDS = 30_000;
let hiding;

/** Tells what became of an act, in sight wherever the page is scrolled to. What went wrong stays longer. */
export function tell(text, {wrong = false} = {}) {
  const notice = byId("notice");
  say(notice, text);
  notice.hidden = false;
  notice.classList.toggle("wrong", wrong);
  clearTimeout(hiding);
  hiding = setTimeout(() => { notice.hidden = true; }, wrong ? TOLD_WRONG_MILLISECONDS : TOLD_MILLISECONDS);
}

/** Runs an act; a refusal is told, behind what `done` says of what was done by then. */
export async function acting(act, done = () => "") {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const texts = {
      insufficient_scope: "Your token has no scope intake:operate: you may look, and not act.",
      no_answer: "The console did not answer. Nobody knows whether an act is done: look before you ask again.",
      no_session: "Your session has ended. Log in again.",
      not_found: "There is no such thing any more.",
      internal_error: "The console failed: its log says why (request_failed).",
      service_unavailable: "Redis did not say that it is done. It may be done or not: look before you ask again.",
    };
    tell(done() + (texts[error.code] ?? error.code), {wrong: true});
  }
}
