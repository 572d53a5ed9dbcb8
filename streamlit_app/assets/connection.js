// A lost connection, in our words instead of Streamlit's, on every page.
//
// Keys while the connection to the server is lost: none does anything. Streamlit disables every
// widget then, the focus falls out of the field to the page, and the rest of a sentence would be
// taken for commands. So a field that lost the focus in this way is remembered: until the person
// moves the focus, or it is back in the field, keys are text and not commands.
const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
const REFOCUS_MS = 5000; // Streamlit's own dialog about the connection may close late.
const REFOCUS_EVERY_MS = 50;
const AWAY_MS = 8000; // A connection that only broke is back by then.

let held = null; // {field, path}: the field that has the focus, or had it when it was taken away.
let wasConnected = false;
let wasDrawn = false;
let texts = null; // what is said, by the first page that is drawn: it may be gone when it is needed
let notice = null; // {word, item}: the notice on screen, and the item that it came with
let away = 0; // The timer that says more when the connection stays lost.
const atLoss = [];
const atReturn = [];

// Calls these functions when the connection is lost, and when it is back.
export function watchConnection(onLost, onBack) {
  atLoss.push(onLost);
  if (onBack) atReturn.push(onBack);
}

// Streamlit sets this when it hears that the socket has closed, in the step that disables widgets.
const appOf = () => document.querySelector('[data-testid="stApp"]');
export const isConnected = () => appOf()?.dataset.testConnectionState === "CONNECTED";

// Streamlit's own words about a lost connection are a dialog that nobody sees.
export const isDialogOpen = () => [...document.querySelectorAll('[role="dialog"]')].some((one) => one.checkVisibility());

// True for a key that must not be a command; nothing else on the page gets it then.
export function blocks(event) {
  const isAway = held !== null && document.activeElement !== held.field;
  if (isConnected() && !isAway) return false;
  const isChord = event.ctrlKey || event.metaKey;
  if (event.altKey || (isChord && event.key !== "Enter") || /^(Tab|F\d+)$/.test(event.key)) {
    return false; // the browser's: copy, reload, move the focus
  }
  if (event.target instanceof Element && event.target.closest('[role="dialog"]')) return false;
  if (isConnected() && event.key === "Escape") held = null; // leaves a field, as it always does
  event.preventDefault();
  event.stopImmediatePropagation();
  return true;
}

// The field, and how to find it should the page be drawn again: keys of widgets name the item. The review
// desk's fields stay as they are, and a person leaves them without a connection too.
function hold(target) {
  const field = target instanceof Element ? target.closest(FIELDS) : null;
  if (!field || field.closest(".lc-desk")) return null;
  const widget = field.closest('[class*="st-key-"]');
  const key = widget && [...widget.classList].find((name) => name.startsWith("st-key-"));
  return { field, path: key ? `.${CSS.escape(key)} ${field.tagName}` : null };
}

window.addEventListener(
  "focusin",
  (event) => {
    // Streamlit's own dialogs take the focus, but no one moved it.
    if (isConnected() && !event.target.closest('[role="dialog"]')) held = hold(event.target);
  },
  true,
);

window.addEventListener(
  "focusout",
  (event) => {
    const { target } = event;
    // Once the step that did it is over it is known whether the field was left or taken away.
    queueMicrotask(() => {
      const isLeft = isConnected() && target.isConnected && !target.disabled;
      if (held && held.field === target && isLeft && document.activeElement !== target) held = null;
    });
  },
  true,
);

window.addEventListener(
  "pointerdown",
  () => {
    if (held && isConnected() && document.activeElement !== held.field) held = null;
    if (notice && isConnected() && !shown()) showNotice(null); // no next item will take it away
  },
  true,
);

function giveBackFocus() {
  const until = Date.now() + REFOCUS_MS;
  const timer = setInterval(() => {
    const { activeElement } = document;
    if (!held || !isConnected() || Date.now() > until) clearInterval(timer);
    else if (activeElement === document.body && !isDialogOpen()) {
      const { field, path } = held;
      const found = field.isConnected || !path ? field : document.querySelector(path);
      if (found && found.isConnected && !found.disabled) found.focus();
    }
  }, REFOCUS_EVERY_MS);
}

// The review desk goes on without the connection; see desk/desk.js.
const DESK = ".lc-desk:not([hidden])";
const shown = () => {
  const card = document.querySelector(`${DESK} .lc-card:not([hidden])`);
  const item = card ?? document.querySelector("[data-lc-item]:not(.lc-card *)");
  return item ? (item.dataset.lcCard ?? item.dataset.lcItem) : "";
};

// Says it in an element of ours, which no draw of the page takes away.
function showNotice(word) {
  let line = document.querySelector(".lc-connection");
  if (!line) {
    line = document.createElement("div");
    line.className = "lc-connection";
    line.setAttribute("role", "alert");
    document.body.append(line);
  }
  // It is outside of the part of the page whose colours follow the theme.
  line.style.colorScheme = getComputedStyle(appOf() ?? line).colorScheme;
  line.textContent = texts?.[word] ?? "";
  line.classList.toggle("lc-connection-gone", word === "lcConnectionDeskGone");
  notice = word ? { word, item: shown() } : null;
}

// Streamlit's own dialog tells to start its program in a terminal. theme.css hides it; closed, it
// gives back the focus and does not come again.
function closeDialog() {
  document.querySelector('[data-testid="stDialog"] button[aria-label="Close"]')?.click();
}

function look() {
  const connected = isConnected();
  const app = appOf();
  texts ??= document.querySelector("[data-lc-connection-lost]")?.dataset;
  document.documentElement.toggleAttribute("data-lc-offline", !connected);
  if (!connected) closeDialog();
  const hasDesk = document.documentElement.hasAttribute("data-lc-at-desk"); // wherever it is just now
  if (wasDrawn && !app) {
    // Streamlit takes the whole page away where it meets a fault, such as half of what a lost line carried.
    clearTimeout(away);
    if (!notice?.word.endsWith("Gone")) showNotice(hasDesk ? "lcConnectionDeskGone" : "lcConnectionGone");
  } else if (wasConnected && !connected) {
    showNotice(hasDesk ? "lcConnectionDesk" : "lcConnectionLost");
    if (!hasDesk) away = setTimeout(() => showNotice("lcConnectionAway"), AWAY_MS);
    atLoss.forEach((call) => call());
  } else if (connected && notice && notice.word !== "lcConnectionBack") {
    clearTimeout(away);
    showNotice(hasDesk ? null : "lcConnectionBack"); // the desk lost nothing
    atReturn.forEach((call) => call());
    giveBackFocus();
  } else if (connected && notice && shown() && notice.item !== shown()) {
    showNotice(null); // The next item is there: it has been read. None is there amid a draw.
  }
  wasConnected = connected;
  wasDrawn ||= app !== null;
}

new MutationObserver(look).observe(document.documentElement, {
  childList: true,
  subtree: true,
  attributes: true,
  attributeFilter: ["data-test-connection-state", "data-lc-item", "hidden"],
});
look();
held = hold(document.activeElement);
document.documentElement.dataset.lcWatching = "";
