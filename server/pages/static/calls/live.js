// The calls that go on now, asked for anew every few seconds while the page is looked at. Without it the list is
// that of the moment in which the page was opened.

const EVERY_MS = 5000;
const SLOWEST_MS = 60000;

const section = document.querySelector("[data-live]");
const told = section.querySelector("[data-told]");
const more = section.querySelector("[data-more]");
const list = section.querySelector("[data-calls]");
let wait = EVERY_MS;
let shown = "";

function set(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader hears what changes only
}

function bdi(text, name = "") {
  const element = document.createElement("bdi");
  element.textContent = text;
  element.className = name;
  return element;
}

function item(call) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = call.href;
  link.append(bdi(call.who));
  const when = document.createElement("span");
  when.className = "muted";
  when.textContent = call.since;
  line.append(link, " ", when);
  if (call.said) line.append(" ", bdi(call.said, "said"));
  return line;
}

function show(live) {
  set(told, live.told);
  set(more, live.more);
  const now = JSON.stringify(live.calls);
  const held = list.contains(document.activeElement) ? document.activeElement.href : null;
  if (now === shown) return;
  shown = now;
  list.replaceChildren(...live.calls.map(item));
  if (held) [...list.querySelectorAll("a")].find((link) => link.href === held)?.focus();
}

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(section.dataset.live, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
    wait = EVERY_MS;
  } catch {
    wait = Math.min(2 * wait, SLOWEST_MS); // the server starts again, or the visit is over
  }
}

async function go() {
  await ask();
  setTimeout(go, wait);
}

document.addEventListener("visibilitychange", ask);
setTimeout(go, EVERY_MS);
