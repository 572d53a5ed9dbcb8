// Talks to the routes of the desk.
import { at } from "./state.js";

const ANSWER_MS = 15_000;

export async function call(path, { body, token = at.config.token, signal, keepalive = false } = {}) {
  const answer = await fetch(`${at.config.api}/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ?? AbortSignal.timeout(ANSWER_MS),
    cache: "no-store",
    keepalive,
  });
  const text = await answer.text();
  let read = {};
  try {
    read = JSON.parse(text);
  } catch {
    read = { error: text };
  }
  return { status: answer.status, body: read };
}

// Their access was taken away, or the queue closed.
export const isRefusal = ({ status, body }) => (status === 401 || status === 403) && body.status !== "withheld";
