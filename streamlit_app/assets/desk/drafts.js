// What is picked and typed so far, kept on the server until the item is saved.
import { call } from "./server.js";

const TYPING_MS = 400;
const AGAIN_MS = 3_000;
const MOST_LEAVING = 60_000; // A browser sends no more of a page that is left.

export function keepDraft(view) {
  view.isDraftDirty = true;
  clearTimeout(view.draftTimer);
  view.draftTimer = setTimeout(() => flushDraft(view), TYPING_MS);
}

export async function flushDraft(view, { keepalive = false } = {}) {
  if (!view.isDraftDirty || view.isSaved) return;
  clearTimeout(view.draftTimer);
  view.isDraftDirty = false;
  const body = { presentation_id: view.card.presentation_id, item_id: view.card.item_id, fields: view.fields() };
  let answer = null;
  try {
    answer = await call("desk/drafts", {
      body, token: view.config.token, keepalive: keepalive && JSON.stringify(body).length < MOST_LEAVING,
    });
  } catch {
    // Sent again below: what stands in the fields is newer than this.
  }
  if ((answer === null || answer.status >= 500) && !view.isSaved) {
    view.isDraftDirty = true;
    view.draftTimer = setTimeout(() => flushDraft(view), AGAIN_MS);
  }
}
