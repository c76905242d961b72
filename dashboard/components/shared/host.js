// Where a web address leads, as the browser itself reads it: its host, and whether that is this machine. All spellings of
// an address (127.1, 0x7f.1, full-width digits, IPv4 within IPv6) become one before anything is decided. It draws nothing.

/** Signs that are drawn much like those that end a host (/ . : ? # @ \), and are none: a reader would take them for these. */
const LOOKALIKE = /[\u0337\u0338\u05c3\u0589\u2024\u2044\u2215\u2216\u2236\u2571\u2572\u27cb\u27cd\u29f5\u29f8\u29f9\u2a4a\u2afd\u3002\u3033\ua789\ufe13\ufe52\ufe55\ufe56\ufe5f\ufe68\ufe6b\uff03\uff0e\uff0f\uff1a\uff1f\uff20\uff3c\uff61]/;
/** Names that systems give to the machine itself. `*.localhost` is one by RFC 6761, the others stand in files of hosts. */
const OF_THIS_MACHINE = /^(?:.+\.)?localhost(?:\d|\.localdomain|\d\.localdomain\d)?$|^(?:.+\.)?localdomain$|^ip6-(?:localhost|loopback)$/;

/**
 * The part of an address before a sign in its host that looks like the end of the host; all of it, where there is none.
 *
 * @param {string} address
 */
export function upToLookalike(address) {
  const begin = address.indexOf("://") + 3;
  const end = begin + address.slice(begin).search(/[/?#]|$/);
  const at = address.slice(begin, end).search(LOOKALIKE);
  return at < 0 ? address : address.slice(0, begin + at);
}

/**
 * A host without the dots at its end, which lead to the same place.
 *
 * @param {string} host
 */
const bare = (host) => host.toLowerCase().replace(/\.+$/, "");

/**
 * Whether a host leads to the machine itself.
 *
 * @param {string} host As `URL.hostname` gives it.
 */
export function isLoopback(host) {
  const name = bare(host);
  if (OF_THIS_MACHINE.test(name)) return true;
  if (name.startsWith("[")) return leadsHome(groups(name.slice(1, -1)));
  // 0.0.0.0 and the whole of 0/8 lead to the machine itself on most systems.
  return /^(?:127|0)\.\d+\.\d+\.\d+$/.test(name);
}

/**
 * The eight groups of an IPv6 address. A browser writes it with hexadecimal digits only, and with at most one `::`.
 *
 * @param {string} address
 * @returns {number[]}
 */
function groups(address) {
  const [head, tail] = address.split("::").map((part) => (part ? part.split(":").map((group) => parseInt(group, 16)) : []));
  return tail ? [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail] : head;
}

/**
 * Whether an IPv6 address is :: or ::1, or holds an IPv4 address of the machine itself.
 *
 * @param {number[]} address Its groups.
 */
function leadsHome(address) {
  const [first, second] = address;
  /** @type {(from: number, to: number) => boolean} */
  const zeros = (from, to) => address.slice(from, to).every((group) => group === 0);
  /** @type {(group: number) => boolean} */
  const ofHome = (group) => group >> 8 === 127 || group >> 8 === 0;
  // ::, ::1 and IPv4 in the last 32 bits: ::a.b.c.d, ::ffff:a.b.c.d, ::ffff:0:a.b.c.d and 64:ff9b::a.b.c.d (NAT64).
  const compatible = zeros(0, 6);
  const mapped = zeros(0, 5) && address[5] === 0xffff;
  const translated = zeros(0, 4) && address[4] === 0xffff && address[5] === 0;
  const nat64 = first === 0x64 && second === 0xff9b && zeros(2, 6);
  if (compatible || mapped || translated || nat64) return ofHome(address[6]);
  // 2002:a.b.c.d:: (6to4).
  return first === 0x2002 && ofHome(second);
}

/**
 * The host in `HOST:PORT` or `[HOST]:PORT`, written as `URL.hostname` would.
 *
 * @param {string} address
 */
export function hostOf(address) {
  try {
    return bare(new URL(`http:${address}`).hostname);
  } catch {
    return "";
  }
}

/**
 * Whether two hosts are the same place, as `URL.hostname` gives them; IPv4 within IPv6 is the IPv4 address.
 *
 * @param {string} one
 * @param {string} other
 */
export function isSameHost(one, other) {
  return plainHost(one) === plainHost(other);
}

/** @param {string} host */
function plainHost(host) {
  const name = bare(host);
  if (!name.startsWith("[::ffff:")) return name;
  const [high, low] = groups(name.slice(1, -1)).slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
