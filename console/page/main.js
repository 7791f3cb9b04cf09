// Logs in, then connects what is seen with what is shown and done.

import {acting, ask, confirmed, Refused, tell} from "./asking.js";
import {Chart} from "./chart.js";
import {at, byId, count, keepFocus, say} from "./dom.js";
import {find, findAgain} from "./found.js";
import {Letters} from "./letters.js";
import {Live} from "./live.js";
import {showAway, showLook, showUnknown} from "./look.js";
import {NAME, showTrouble, showTroubles, showUnseen} from "./troubles.js";

let live;
let chart;
let letters;
const OWN_FAULT = "console_failed";
let isHourDue = false;

function state(text, kind) {
  say(byId("state"), text);
  byId("state").className = `pill ${kind}`;
  document.body.classList.toggle("stale", kind !== "good");
}

/** What a page that is not looking must not say: that all is live. */
function unseen() {
  state("connecting", "");
  showUnseen();
}

async function changeLetters(path, selection, done) {
  let sum = 0;
  await acting(async () => {
    for (let after = "", more = true; more; more = after !== "") {
      const answer = await ask(`dead-letters/${path}`, {method: "POST", body: {...selection, after}});
      sum += answer.changed;
      after = answer.after;
      tell(sum || after ? `${count(sum)} ${done}${after ? " so far" : ""}.` : `Nothing was ${done}: no such dead letter was left.`);
    }
  }, () => (sum ? `${count(sum)} ${done}, then it broke off. ` : ""));
  await Promise.all([letters.read(), findAgain(acts)]);
}

/** Why Redis serves the console nothing: it answers and refuses, or is away. */
function ofRedis(reason, advice) {
  if (advice) return `Redis answers and refuses the console (${reason}): ${advice}.`;
  const how = reason === "TimeoutError" ? "does not answer in time" : "cannot be reached";
  return `Redis is away: it ${how} (${reason}). While it answers nobody, signups get 503. What is accepted is safe while Redis keeps its disk.`;
}

const acts = {
  find: (asked) => find(asked, acts),
  // `words` name the selection in the question.
  async requeue(selection, words) {
    const sure = await confirmed("Requeue?", `Send ${words} again. ${selection.id ? "It" : "Each"} goes on the queue as if it were new.`, "Requeue");
    if (sure) await changeLetters("requeue", selection, "sent again");
  },
  async drop(selection, words) {
    const lost = selection.id ? "The request in it is lost with it" : "The requests in them are lost with them";
    const text = `Drop ${words} for good? ${lost}: nobody can bring back what is dropped.`;
    if (await confirmed("Drop for good?", text, "Drop", {danger: true})) await changeLetters("drop", selection, "dropped");
  },
  async cancel(id) {
    const text = `Rows of ${id} that nobody has started on get the outcome canceled. Rows that are done stay.`;
    if (!await confirmed("Cancel this batch?", text, "Cancel batch", {danger: true})) return;
    await acting(async () => {
      const {changed} = await ask("batches/cancel", {method: "POST", body: {id}});
      tell(`The batch ${id} ${changed ? "is canceled" : "was canceled before, or has ended"}.`);
    });
    await findAgain(acts);
  },
  async switchEndpoint(name, on) {
    const [title, text] = on
      ? ["Switch it on?", `${name} is sent events again, first those that it lacks.`]
      : ["Switch it off?", `${name} is sent no more events. They are kept for it.`];
    if (!await confirmed(title, text, on ? "Switch on" : "Switch off")) return;
    await acting(async () => {
      await ask("endpoints/switch", {method: "POST", body: {name, on}});
      tell(`${name} is switched ${on ? "on" : "off"}.`);
    });
  },
  async pause(what) {
    const texts = {
      all: ["Pause all work?", "Workers finish what they have and take nothing more, until somebody resumes.", "Pause all"],
      batches: ["Pause batches?", "Workers take no more rows of batches. Signups go on.", "Pause batches"],
      nothing: ["Resume?", "Workers take all work again.", "Resume"],
    };
    if (!await confirmed(...texts[what])) return;
    await acting(() => ask("pause", {method: "POST", body: {what}}));
  },
};

/** Puts the last hour into the chart. Where Redis is away, the first look after that tries again. */
function readHour() {
  isHourDue = false;
  ask("hour").then((hour) => chart.hour(hour), () => { isHourDue = true; });
}

function show(look) {
  if (isHourDue || look.hour_is_new) readHour();
  for (const each of look.processes) each.at = look.at;
  chart.add(look.points, look.at / 1000);
  showLook(look, acts);
  showTroubles(look);
  letters.look(look);
  keepFocus();
  if (byId("state").textContent !== "live") state("live", "good");
}

function begin(session) {
  document.body.dataset.mayOperate = String(session.may_operate);
  say(byId("who"), session.may_operate ? session.name : `${session.name} (looks only)`);
  byId("door").hidden = true;
  byId("page").hidden = false;
  chart ??= new Chart();
  letters ??= new Letters(acts);
  letters.forget();
  live ??= new Live({
    opened: readHour,
    look(look) {
      try {
        show(look);
      } catch (error) {
        // Of a console of another release, after an upgrade. What is half shown must not be taken for live.
        state("cannot be shown", "wrong");
        showTrouble("This page cannot show what the console sends it. Load the page anew: the console may be of another release.");
        throw error;
      }
    },
    stale({since, reason, advice}) {
      state(`stale since ${at(since)}`, "wrong");
      const isOurs = reason === OWN_FAULT;
      showTrouble(`${isOurs ? "The console failed: its log says why (look_failed)." : ofRedis(reason, advice)} ${ofWhen(live.lastAt && since)}`);
      if (!isOurs) showAway({since, advice});
    },
    lost(since) {
      state(since ? `stale since ${at(since)}` : "not connected", "wrong");
      showTrouble(`The console does not answer. Look whether its process runs. ${ofWhen(since)}`);
      showUnknown();
    },
    full() {
      state("no place", "wrong");
      showTrouble("As many pages look at this console as it serves. This one tries again every ten seconds.");
    },
    ended: enter,
    unseen,
  });
  live.open();
}

/** How old what is shown is. */
const ofWhen = (since) => (since ? `What you see is of ${at(since)}.` : "Nothing is known yet.");

function door(says = "") {
  live?.close();
  const question = byId("ask");
  if (question.open) question.close("no");
  unseen();
  document.title = NAME;
  byId("page").hidden = true;
  byId("door").hidden = false;
  say(byId("door-says"), says);
  byId("token").focus();
}

const REFUSALS = {
  no_answer: "The console does not answer. Look whether its process runs.",
  foreign_page: "The console was asked under another name than that of this page. A proxy in front of it must pass on the header Host as it came, with its port (nginx: proxy_set_header Host $http_host).",
  invalid_token: "This token is not good, or has expired.",
  insufficient_scope: "This token has neither the scope intake:read nor intake:operate.",
  link_used: "This link was used before.",
  link_unchecked: "Redis does not answer, so nobody can tell whether this link was used before. Once it is back, `customer-intake console` prints another.",
  service_unavailable: "The keys that verify tokens cannot be fetched yet.",
};

async function logIn(token) {
  try {
    begin(await ask("session", {method: "POST", token}));
    // A browser keeps no Secure cookie that came without TLS.
    await ask("session").catch(({status}) => {
      if (status === 401) door("Your browser has not kept the session. Open this page by https.");
    });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    door(REFUSALS[error.code] ?? error.code);
  }
}

/** Goes on with the session that there is, or asks for a token. */
async function enter() {
  try {
    begin(await ask("session"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) door(live?.isWanted ? "Your session has ended. Log in again." : "");
    else setTimeout(enter, 1000);
  }
}

byId("log-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("token");
  logIn(field.value.trim());
  field.value = "";
});
byId("log-out").addEventListener("click", async () => {
  await ask("session", {method: "DELETE"}).catch(() => {});
  door();
});
byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = byId("asked").value.trim();
  if (asked) acts.find(asked);
});
byId("pausing").addEventListener("click", (event) => {
  const what = event.target.dataset?.pause;
  if (what) acts.pause(what);
});

const link = location.hash.slice(1);
if (link) {
  // The token of a link works once. It is gone from the address bar before anything else happens.
  history.replaceState(null, "", location.pathname);
  if (link.includes(".")) logIn(link);
  else enter();
} else {
  enter();
}
