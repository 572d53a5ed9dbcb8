// Other tabs of the same person, and leaving the page.
import { flushDraft } from "./drafts.js";
import { deck, MOST_HELD, reportOpened } from "./screen.js";
import { outbox } from "./sending.js";
import { call } from "./server.js";
import { at, desk } from "./state.js";
import { make, newId } from "./view.js";

const tabId = newId();
const channel = new BroadcastChannel("llamacare-desk");
export const otherTabs = new Set();

export function greet(type, more = {}) {
  if (at.config) channel.postMessage({ type, reviewer_id: at.config.reviewer_id, tab: tabId, ...more });
}

channel.onmessage = ({ data }) => {
  if (!at.config || data.reviewer_id !== at.config.reviewer_id) return;
  if (data.type === "saved") {
    if (at.shown?.card.item_id !== data.item_id) deck.drop(data.item_id);
    return;
  }
  if (data.type === "hello") greet("here");
  if (data.type === "bye") {
    otherTabs.delete(data.tab);
    setTimeout(() => outbox.adopt(), 500);
  } else otherTabs.add(data.tab);
  drawTabs();
};

export function drawTabs() {
  desk.querySelector(".lc-tabs")?.remove();
  if (otherTabs.size) desk.prepend(make("p", { class: "lc-notice lc-tabs", role: "status" }, at.config.texts.other_tab));
}

// Says goodbye, stores the draft, and lets others have the items that were ahead.
export function leave({ keepalive = false } = {}) {
  greet("bye");
  reportOpened();
  if (at.shown) flushDraft(at.shown, { keepalive });
  const item_ids = deck.ahead.map((card) => card.item_id).slice(0, MOST_HELD);
  if (item_ids.length) call("desk/leave", { body: { item_ids }, keepalive: true }).catch(() => {});
}

addEventListener("pagehide", () => at.config && leave({ keepalive: true }));
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", () => (document.hidden ? at.shown?.rest() : at.shown?.wake()));
