import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { openClickHouse } from '../../src/sinks/clickhouse/connect.ts';

export interface ClickHouseEndpoint {
  /** As `http://host:port`; any user and password may enter. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * An embedded ClickHouse behind a port of this machine, as a server would be reached. It shows that clients find their way
 * over HTTP, and proves nothing of a server.
 */
export async function openClickHouseEndpoint(directory: string): Promise<ClickHouseEndpoint> {
  const holder = await openClickHouse({
    url: '',
    database: 'default',
    user: 'default',
    password: '',
    memoryMb: 512,
    directory,
  });
  const owner: { socket: string } = JSON.parse(readFileSync(join(directory, 'owner.json'), 'utf8'));
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const engine = connect(owner.socket);
    for (const [from, to] of [[client, engine] as const, [engine, client] as const]) {
      sockets.add(from);
      from.pipe(to);
      // Either side's end is the other's; a broken connection shows at the client, which tries again.
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await holder.close();
    },
  };
}
