// @ts-check
// Server-Sent Events over fetch. EventSource cannot send a key, and forgets the last event's id once the server has
// answered with an error: rows would be missed after each restart of the API.

/**
 * @typedef {object} StreamEvent
 * @property {string} type `message` where the server names none
 * @property {string} data
 * @property {string} id of the last event that had one; empty before
 */

/**
 * The events of a body, in order, after the specification's rules for event streams (WHATWG HTML, 9.2.6).
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onBytes called whenever something came, were it only a comment
 * @returns {AsyncGenerator<StreamEvent, void>}
 */
export async function* readEvents(body, onBytes) {
  let id = '';
  let type = '';
  /** @type {string[]} */
  let data = [];
  for await (const line of readLines(body, onBytes)) {
    if (line === '') {
      if (data.length > 0) yield { type: type || 'message', data: data.join('\n'), id };
      type = '';
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id') id = value;
  }
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onBytes
 */
async function* readLines(body, onBytes) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n/);
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } finally {
    reader.releaseLock();
  }
}
