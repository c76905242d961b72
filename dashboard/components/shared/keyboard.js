// Keys, without those that belong to an input method. While somebody composes a word (Japanese, Chinese, Korean, an
// accent), Enter chooses the word, Escape drops it and arrows go through the candidates: none of that is meant for the
// page. All handlers of keys and all forms are attached here, and nowhere else; a test checks that.

/** The key code that browsers give while an input method handles a key. WebKit tells only by it of the last Enter. */
const HANDLED_BY_INPUT_METHOD = 229;

/**
 * Whether an input method handles this key.
 *
 * @param {KeyboardEvent} event
 */
function isComposing(event) {
  return event.isComposing || event.keyCode === HANDLED_BY_INPUT_METHOD;
}

/** Whether the key that was pressed last, and is still down, belongs to an input method. */
let composing = false;
window.addEventListener("keydown", (event) => (composing = isComposing(event)), true);
for (const kind of ["keyup", "pointerdown"]) window.addEventListener(kind, () => (composing = false), true);

/**
 * Calls `act(event)` for each key that is pressed in `target` and means the page. Returns how to stop that.
 *
 * @param {GlobalEventHandlers} target
 * @param {(event: KeyboardEvent) => void} act
 */
export function onKey(target, act) {
  /** @param {KeyboardEvent} event */
  const listener = (event) => isComposing(event) || act(event);
  target.addEventListener("keydown", listener);
  return () => target.removeEventListener("keydown", listener);
}

/**
 * Calls `act()` when `form` is submitted, but not by the Enter that ends a composition. The page always stays.
 *
 * @param {HTMLFormElement} form
 * @param {() => void} act
 */
export function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!composing) act();
  });
}
