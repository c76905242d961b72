// Keys that make a command take effect once, however often it is asked.

/** 128 random bits in hex. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
