import { createServer as createTcpServer } from 'node:net';
import { TidemarkError } from '../errors.ts';
import { checkAccess } from './access.ts';
import type { ApiParts } from './parts.ts';
import { createServer } from './server.ts';

export interface ServedApi {
  /** Where it listens, as `http://host:port`. */
  readonly url: string;
  /** Whether another process had the configured port. */
  readonly isOtherPort: boolean;
  close(): Promise<void>;
}

/**
 * Serves the API until it is closed. The caller closes what it reads from after it.
 * @throws TM_CONFIG when others may reach it and there is no key, TM_API_LISTEN
 */
export async function serveApi(parts: ApiParts): Promise<ServedApi> {
  checkAccess(parts.config);
  const { host, port } = parts.config;
  const server = await createServer(parts);
  const freePort = port === 0 || (await isFree(host, port)) ? port : 0;
  try {
    const url = await server.listen({ host, port: freePort });
    return { url, isOtherPort: freePort !== port, close: () => server.close() };
  } catch (cause) {
    await server.close();
    throw listenError(cause, `${host}:${port}`);
  }
}

/** Whether nobody listens there. What else is wrong with the address shows when it is taken. */
function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createTcpServer();
    probe.once('error', (error) => resolve(!('code' in error && error.code === 'EADDRINUSE')));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

function listenError(cause: unknown, where: string): TidemarkError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TidemarkError('TM_API_LISTEN', `the API cannot listen: ${reason}`, {
    where,
    hint: 'Give an address of this machine (api.host) and a port that this user may take (--port).',
    cause,
  });
}
