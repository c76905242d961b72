// Short words and their sentences, for what a page says by itself. `python -m dashboard.typedefs` makes this file from
// node/bus/words.py, which the node's other front ends read as well.

export const PRIVACY = {
  "encrypted": { short: "encrypted", sentence: "Encrypted: only your node and theirs can read what is said from now on." },
  "plain": { short: "plain", sentence: "Not encrypted: they use a plain client, so others on the network can read along. Keep secrets out of it." },
  "clear": { short: "said in clear", sentence: "Said in clear: others on the network could read it. What is said now is encrypted." },
};

export const TRUST = {
  "verified": { short: "verified", sentence: "Verified: somebody here has compared their code." },
  "unverified": { short: "not verified", sentence: "Not verified: nobody here has compared their code yet." },
  "doubt": { short: "in doubt", sentence: "It is in doubt who this is; the warning says why, and what you can decide." },
};

export const DIALECT = {
  "snicher": { short: "snicher", sentence: "What Snicher and plain clients that stay connected speak." },
  "std": { short: "std", sentence: "The usual plain form: one message for each connection." },
  "angle@": { short: "angle@", sentence: "Address and name in angle brackets with an @ between, and a mark at the end." },
  "angle-ts": { short: "angle-ts", sentence: "Address, time and name in brackets." },
  "angle1": { short: "angle1", sentence: "Address in angle brackets, all on one line." },
  "labelled": { short: "labelled", sentence: "Fields with labels, as LISTENING_PORT:6000." },
  "portline": { short: "portline", sentence: "Its port on a line of its own, then a line for each message." },
  "json": { short: "json", sentence: "Messages as JSON objects." },
  "unknown": { short: "not known yet", sentence: "Nobody knows yet which form they speak; it is found out with the first message." },
};
