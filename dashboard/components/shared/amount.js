// Numbers in words, the same way on every page.

export const NUMBER = new Intl.NumberFormat("en-GB");

/**
 * "1 event", "1,204 events".
 *
 * @param {number} count
 * @param {string} one
 * @param {string} [more]
 */
export const many = (count, one, more = `${one}s`) => `${NUMBER.format(count)} ${count === 1 ? one : more}`;
