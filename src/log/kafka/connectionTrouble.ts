import type { EventEmitter } from 'node:events';
import { AUTHENTICATION, brokerError, isUnanswered, TRANSPORT } from './brokerError.ts';

/** Around what happened: `[thrd:thread]: protocol://host:port/bootstrap: what happened (after 3ms in state AUTH_REQ)`. */
const AROUND = /^\[thrd:[^\]]*\]: |\/bootstrap(?=: )| \(after \d+ms in state .*$/g;
/** Words of librdkafka and OpenSSL that tell a login or a certificate that was refused. */
const REFUSED = /SASL|certificate/;

/**
 * What goes wrong with the connections of a client. Its calls say only that they had no answer, and its error events have
 * no more than an error's name: the broker's words are in its log.
 */
export class ConnectionTrouble {
  #said = '';

  /** For clients that take handlers; `watch` is for the others. */
  readonly handlers = {
    'event.log': ({ fac, message }: { fac: string; message: string }): void => {
      if (fac === 'FAIL') this.#said = message.replace(AROUND, '');
    },
  };

  watch(client: EventEmitter): void {
    client.on('event.log', this.handlers['event.log']);
  }

  get isRefusal(): boolean {
    return REFUSED.test(this.#said);
  }

  /** The error of a call to a client that has not had an answer yet, with the reason where there is one. */
  explain(error: unknown, what: string): unknown {
    if (!isUnanswered(error) || this.#said === '') return error;
    return brokerError({ code: this.isRefusal ? AUTHENTICATION : TRANSPORT, message: this.#said }, what);
  }
}
