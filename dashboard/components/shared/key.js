// Idempotency keys, with which a retried command takes effect once.

/** 128 random bits in hex. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
