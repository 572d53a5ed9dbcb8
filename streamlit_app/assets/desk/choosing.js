// Presses a button of one question in Details by keys: the question's own key, then the one on the button.
import { namesOf } from "./keys.js";
import { tell } from "./line.js";
import { toggleMore } from "./screen.js";
import { at, desk } from "./state.js";
import { say } from "./view.js";

const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"];

let choosing = null; // {view, group}: the question that the next key answers

export function choose(name) {
  const group = at.shown.groups[name];
  leaveChoosing();
  if (!group) return tell(at.config.texts.nothing_to_choose, "warning");
  toggleMore(true);
  choosing = { view: at.shown, group };
  group.root.setAttribute("data-lc-choosing", "");
  group.root.scrollIntoView({ block: "nearest" });
  desk.focus({ preventScroll: true });
  tell(say(at.config.texts.choose, { question: group.root.getAttribute("aria-label") }));
}

function leaveChoosing() {
  choosing?.group.root.removeAttribute("data-lc-choosing");
  choosing = null;
}

// A key that goes down while a question waits for one: it answers it or means nothing, never a label.
export function choiceKey(event) {
  if (choosing && choosing.view !== at.shown) leaveChoosing();
  if (!choosing || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (MODIFIERS.includes(event.key) || event.repeat) return true;
  const { buttons, keys } = choosing.group;
  leaveChoosing();
  tell("");
  const names = namesOf(event);
  buttons[keys.findIndex((own) => own.some((key) => names.includes(key)))]?.click();
  return true;
}
