// A picture that somebody chose, made small enough to send: drawn anew, so that nothing but what is seen in it goes on. The
// browser opens it, and nothing is fetched for it.

/** Largest picture that is opened, in bytes; a photo has some 5 MB. A larger one is refused. */
export const MAX_FILE_BYTES = 30_000_000;
/** Largest picture that is sent, in bytes; as MAX_BYTES in dashboard/pictures.py. */
export const MAX_SENT_BYTES = 360_000;
/** Longest sides that are tried, in px: the first whose picture may be sent. */
export const SIDES = [1800, 1300, 900, 600];
/** Of a JPEG, from 0 to 1. */
const QUALITY = 0.8;

/** @typedef {{ width: number, height: number }} Size */

/**
 * The size of a picture whose longest side is at most `side`; a smaller one stays as it is.
 *
 * @param {Size} size
 * @param {number} side
 */
export function fitted({ width, height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * The picture as base64 of a JPEG. Rejects with an Error for people.
 *
 * @param {Blob} file
 */
export async function sendable(file) {
  if (file.size > MAX_FILE_BYTES) throw new Error("The picture is too large. Cut it down to the code.");
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This isn't a picture that can be opened.");
  }
  try {
    for (const side of SIDES) {
      const blob = await drawn(bitmap, fitted(bitmap, side));
      if (blob && blob.size <= MAX_SENT_BYTES) return await base64(blob);
    }
  } finally {
    bitmap.close();
  }
  throw new Error("The picture is too large. Cut it down to the code.");
}

/**
 * @param {ImageBitmap} bitmap
 * @param {Size} size
 * @returns {Promise<Blob | null>}
 */
function drawn(bitmap, { width, height }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  // What is transparent is white: a code is dark.
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

/** @param {Blob} blob */
async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  // In parts, because a call takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/**
 * The first picture of what was pasted or dropped.
 *
 * @param {DataTransfer | null} data
 */
export function pictureIn(data) {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? null;
}
