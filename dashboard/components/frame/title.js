// The browser tab's title and icon: both tell how much is unread.

const SIZE = 64;
/** Title and icon are drawn at most so often, in ms: each is costly, and what is read at once must not flicker. */
const SETTLE_MS = 300;
let wanted = "Snicher";
/** @type {number | null} */
let drawn = null;
let counted = 0;
/** @type {number | undefined} */
let timer;
let watching = false;

/** @param {number} unread */
function drawIcon(unread) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.fillStyle = "#0f766e";
  pen.beginPath();
  pen.roundRect(2, 6, 60, 46, 14);
  pen.fill();
  pen.beginPath();
  pen.moveTo(14, 48);
  pen.lineTo(14, 62);
  pen.lineTo(32, 50);
  pen.fill();
  pen.fillStyle = "#ffffff";
  for (const x of [18, 32, 46]) {
    pen.beginPath();
    pen.arc(x, 29, 4.5, 0, 7);
    pen.fill();
  }
  if (unread) {
    pen.fillStyle = "#dc2626";
    pen.beginPath();
    pen.arc(46, 18, 18, 0, 7);
    pen.fill();
    pen.fillStyle = "#ffffff";
    pen.font = "bold 26px sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(unread > 9 ? "9+" : String(unread), 46, 20);
  }
  /** @type {HTMLLinkElement | null} */
  let link = document.querySelector("link[rel~='icon']");
  if (!link) {
    link = document.createElement("link");
    link.rel = "icon";
    document.head.append(link);
  }
  link.href = canvas.toDataURL("image/png");
}

function apply() {
  if (document.title !== wanted) document.title = wanted;
}

/**
 * Show the number of unread messages, and the page's name.
 *
 * @param {number} unread
 * @param {string} page
 */
export function drawTitle(unread, page) {
  const title = `${unread ? `(${unread}) ` : ""}${page} · Snicher`;
  if (title !== wanted) {
    wanted = title;
    counted = Math.min(unread, 10);
    timer ??= setTimeout(settle, drawn === null ? 0 : SETTLE_MS);
  }
  if (watching) return;
  watching = true;
  // Streamlit sets its own title with each run of the script; ours knows more.
  new MutationObserver(apply).observe(document.head, { childList: true, subtree: true, characterData: true });
}

function settle() {
  timer = undefined;
  apply();
  if (drawn === counted) return;
  drawn = counted;
  drawIcon(counted);
}
