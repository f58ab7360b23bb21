/** Thrown by a write after the reader of standard output has gone (`tidemark bars | head`): the command ends quietly. */
export class OutputClosed extends Error {}

function isBrokenPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

/** Standard output: results only, with back pressure. */
export class Output {
  readonly isTTY: boolean;
  readonly #stream: NodeJS.WriteStream;

  /** `onClosed` is called when the reader has gone. */
  constructor(stream: NodeJS.WriteStream, onClosed: () => void) {
    this.isTTY = stream.isTTY === true;
    this.#stream = stream;
    stream.on('error', (error) => {
      if (!isBrokenPipe(error)) throw error;
      onClosed();
    });
  }

  /** Resolves once the text has been taken: write few large pieces, not many small ones. @throws OutputClosed */
  write(text: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(text, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(isBrokenPipe(error) ? new OutputClosed() : error);
      });
    });
  }

  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }
}
