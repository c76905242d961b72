// Conversations that this tab knows and the node doesn't any more: merged or deleted while the tab was disconnected. It
// asks the server what became of them, and handles the answer as if it had just happened.

import { place } from "./place.js";
import { connection, outbox, store } from "./session.js";

/** Conversations asked for at once; more than the server takes would be refused. */
const MAX_ASKED = 50;

/** Conversations still to be asked for: the open one, and those with drafts or waiting texts. */
let unknown = new Set();
let asking = false;

function look() {
  const missing = [...new Set([...outbox.rooms, place.room])].filter((room) => room && !store.rooms.has(room));
  // What became part of another conversation is still known there: nobody needs to be asked.
  const merged = missing.map((id) => ({ id, into: store.canonical(id) })).filter(({ id, into }) => id !== into);
  unknown = new Set(missing.filter((id) => store.canonical(id) === id));
  if (merged.length) store.tellGone(merged.map((one) => ({ ...one, op: "room_gone", name: store.rooms.get(one.into).name })));
  ask();
}

async function ask() {
  if (!unknown.size || asking || connection.state !== "open" || store.away) return;
  asking = true;
  const asked = unknown;
  try {
    const { gone } = await connection.ask({ t: "unknown_rooms", rooms: [...asked].slice(0, MAX_ASKED) });
    // Whether it was told of them or not: asking again would tell no more.
    if (unknown === asked) unknown = new Set([...asked].slice(MAX_ASKED));
    store.tellGone(gone);
  } catch (problem) {
    if (!problem.retryable && unknown === asked) unknown = new Set();
  }
  asking = false;
  // Further ones, or what was found out meanwhile. What went wrong is asked again when something is heard.
  if (unknown !== asked) ask();
}

store.on("lists", () => void ask());
// What isn't there yet may still come, until the lists are whole.
store.on("whole", () => store.me && look());
