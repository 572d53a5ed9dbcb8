// The list of saves that the server did not store, each with what a person can decide.
import { at, notices } from "./state.js";
import { make, say } from "./view.js";

// choices: {decide(entry, isMine), entries()}, the latter for the file.
export function drawDecisions(entries, choices) {
  const key = entries.map((entry) => entry.judgement_id).join(" ");
  if (notices.dataset.lcOf === key) return;
  notices.dataset.lcOf = key;
  notices.replaceChildren(...(entries.length ? [decisionList(entries, choices)] : []));
}

function decisionList(entries, choices) {
  const { texts } = at.config;
  const press = (text, act) => make("button", { type: "button", class: "lc-button", onclick: act }, text);
  const rows = entries.map((entry) => {
    const { answer } = entry;
    const labels = entry.body.judgement.labels.join(", ");
    return make("li", {},
      make("strong", { dir: "auto" }, say(texts.decide_item, { item: entry.item_id, labels })), " ",
      make("span", { dir: "auto" }, answer.error), " ",
      press(answer.standing ? texts.keep_mine : texts.send_again, () => choices.decide(entry, true)),
      press(answer.standing ? texts.keep_standing : texts.discard, () => choices.decide(entry, false)));
  });
  return make("section", { class: "lc-notice lc-notice-warning lc-decisions", role: "alert" },
    make("div", {}, make("strong", {}, say(texts.needs_decision, { count: entries.length })), make("ul", {}, ...rows),
      press(texts.export, () => exportEntries(choices.entries()))));
}

// What a person needs to type the labels in elsewhere.
function exportEntries(all) {
  const entries = all.map(({ card, token, flight, ...entry }) => entry);
  const url = URL.createObjectURL(new Blob([JSON.stringify(entries, null, 2)], { type: "application/json" }));
  make("a", { href: url, download: "unsent-labels.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
