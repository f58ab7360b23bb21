import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a vendor answers. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body: string;
}

export interface VendorServer {
  readonly url: string;
  /** What was asked, in order. */
  readonly asked: readonly URL[];
  close(): Promise<void>;
}

/** A vendor on this machine: it answers each request as `reply` says. */
export async function startVendor(
  reply: (url: URL, count: number, headers: IncomingHttpHeaders) => Reply | Promise<Reply>,
): Promise<VendorServer> {
  const asked: URL[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://vendor');
    asked.push(url);
    const { status = 200, headers = {}, body } = await reply(url, asked.length, request.headers);
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
