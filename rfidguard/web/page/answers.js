// Sends answers. A tap that failed on the way keeps its id, so that tapping again cannot count twice.

import { text } from "./texts.js";

const TIMEOUT_MS = 8_000;
const waiting = new Map();

/** Sends `answer` ({action, outcome?, items?}) for an alarm; returns null, or the text of what went wrong. */
export async function send(alarm, answer, name) {
  const what = JSON.stringify([alarm, answer]);
  const id = waiting.get(what) ?? uuid();
  waiting.set(what, id);
  let reply;
  try {
    reply = await fetch(`/v1/alarms/${encodeURIComponent(alarm)}/answers`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(name ? { "X-Rfidguard-User": name } : {}) },
      body: JSON.stringify({ id, ...answer }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return text("failed.offline");
  }
  if (reply.status === 401) location.reload();
  if (reply.status >= 500) return text("failed.busy");
  waiting.delete(what);
  return reply.ok ? null : complaint(reply.status, await reply.json().catch(() => ({})));
}

function complaint(status, body) {
  if (status !== 409) return text("failed.refused", { reason: body.reason ?? body.detail ?? status });
  const name = body.resolved_by ?? (body.state === "acknowledged" ? body.acknowledged_by : null);
  return name ? text("failed.first", { name }) : text("failed.closed");
}

/** crypto.randomUUID exists only on https and localhost; a shop's box often has neither. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
