import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents, type StreamEvent } from '../../page/eventStream.js';

function bodyOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function eventsOf(chunks: readonly Uint8Array[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(bodyOf(chunks), () => {})) events.push(event);
  return events;
}

const TEXT =
  'event: start\nid: 1:0,5\ndata: {"generation":1}\n\n: alive\n\nevent: bar\nid: 1:1,5\ndata: é\ndata:2\n\ndata: x\n\ncut';
const EVENTS = [
  { type: 'start', data: '{"generation":1}', id: '1:0,5' },
  { type: 'bar', data: 'é\n2', id: '1:1,5' },
  { type: 'message', data: 'x', id: '1:1,5' },
];

describe('readEvents', () => {
  it('gives the same events however the bytes are cut', async () => {
    const bytes = new TextEncoder().encode(TEXT);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = ends.slice(1).map((end, i) => bytes.slice(ends[i], end));
        expect(await eventsOf(chunks)).toEqual(EVENTS);
      }),
    );
  });

  it('takes lines that end with carriage return and line feed', async () => {
    const bytes = new TextEncoder().encode(TEXT.replaceAll('\n', '\r\n'));
    expect(await eventsOf([bytes])).toEqual(EVENTS);
    expect(await eventsOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(EVENTS);
  });
});
