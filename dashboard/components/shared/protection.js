// How well the address protects that this page was opened at.

/** A sentence about weaker protection at this address; null when there is none. */
export function protection() {
  const { protocol, hostname } = window.location;
  if (protocol === "https:" || hostname.endsWith(".localhost")) return null;
  if (hostname === "localhost" || hostname.startsWith("127.") || hostname === "[::1]") {
    return "Weaker protection: at this address, other servers on this machine that you visit see this dashboard's cookie. "
      + "It opens no chats by itself.";
  }
  return "Weaker protection: pages travel unencrypted at this address, and others on the network can read them.";
}
