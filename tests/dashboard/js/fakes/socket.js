// A WebSocket of which the test is the other side.

export class FakeSocket {
  /** What was said to the server, decoded. */
  said = [];
  /** The same, as it was sent. */
  raw = [];
  closed = false;
  onopen = null;
  onmessage = null;
  onclose = null;

  send(text) {
    this.raw.push(text);
    this.said.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** The server takes the connection. */
  open() {
    this.onopen();
  }

  tell(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  /** The connection breaks, or the server ends it. */
  break(code = 1006) {
    this.onclose({ code });
  }
}
