// The line under the picker, and how much of the list is done.
import { at, desk, ending, live } from "./state.js";
import { fragment } from "./view.js";

// isNews: of what happened elsewhere, which does not take away the answer to a key.
export function tell(text, kind = "info", isNews = false) {
  const line = at.shown?.line ?? ending.querySelector(".lc-line");
  live.textContent = text;
  if (!line || (isNews && line.textContent !== "" && !line.hasAttribute("data-lc-news"))) return;
  line.className = `lc-line lc-line-${kind}`;
  line.textContent = text;
  line.toggleAttribute("data-lc-news", isNews);
}

// Each card keeps its own place in the list.
export function drawProgress(progress) {
  for (const part of desk.querySelectorAll("[data-lc-progress]")) {
    part.replaceChildren(...fragment(progress.html).children);
  }
}
