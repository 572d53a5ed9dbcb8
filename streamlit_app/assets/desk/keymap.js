// Gives a command another key: a press of Change in the list of keys waits for the key that is wanted.
import { capOf, namesOf } from "./keys.js";
import { call } from "./server.js";
import { at, desk, views } from "./state.js";
import { say } from "./view.js";

const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "Dead", "Unidentified", "Process"];

// The list covers the line under the picker, so it has a line of its own.
function tell(text, kind = "info") {
  if (!at.shown) return;
  at.shown.keyLine.className = `lc-key-line lc-line-${kind}`;
  at.shown.keyLine.textContent = text;
}

let awaited = null; // the command whose key is asked for

// A key that goes down while one is asked for. Returns whether it was taken.
export function keymapKey(event) {
  if (awaited === null) return false;
  if (MODIFIERS.includes(event.key) || event.repeat) return true;
  const command = awaited;
  const { texts } = at.config;
  awaited = null;
  if (event.key === "Escape" || event.key === "Tab") tell(texts.key_kept);
  else change(command, nameOf(event));
  return true;
}

// A letter by its Latin name, so that the same key is meant on a Cyrillic keyboard.
function nameOf(event) {
  const names = namesOf(event).map((name) => name.replace("Shift+", ""));
  return names.find((name) => /^[a-z0-9]$/.test(name)) ?? names[0];
}

async function change(command, key) {
  const { keys, commands, texts } = at.config;
  const owner = Object.keys(keys).find((name) => keys[name] === key);
  if (owner && owner !== command) return tell(say(texts.key_taken, { key: capOf(key), command: commands[owner] }), "warning");
  await store({ ...keys, [command]: key }, say(texts.key_changed, { key: capOf(key), command: commands[command] }));
}

async function store(keys, text) {
  const answer = await call("desk/keys", { body: { keys } }).catch(() => null);
  if (answer?.status !== 200) return tell(answer?.body.error ?? at.config.texts.no_server, "error");
  setKeys(answer.body.keys);
  tell(text, "success");
}

export function setKeys(keys) {
  at.config.keys = keys;
  for (const view of views.values()) view.setKeys(keys);
}

desk.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-lc-rekey]");
  awaited = button?.dataset.lcRekey ?? null;
  if (awaited) tell(say(at.config.texts.press_key, { command: at.config.commands[awaited] }));
  if (at.shown && !target.closest(".lc-help")) at.shown.help.open = false;
  if (target.closest("[data-lc-reset-keys]")) store({}, at.config.texts.keys_reset);
});
