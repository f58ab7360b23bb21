import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { TidemarkError } from '../errors.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');
/** `name`, `name:port`, `[address]` or `[address]:port`. */
const HOST = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d*)?$/;

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** Who can reach the API from elsewhere must show a key. @throws TM_CONFIG */
export function checkAccess({ host, key }: Config['api']): void {
  if (key !== '' || isLoopback(host)) return;
  throw new TidemarkError('TM_CONFIG', `api.host is ${host}, which other machines may reach, and api.key is empty`, {
    where: 'api.key',
    hint: 'Set TIDEMARK_API_KEY to a key of at least 16 characters, or api.host to 127.0.0.1.',
  });
}

/**
 * Where only this machine can reach the API, only its own names are answered to. A page of elsewhere whose name was made to
 * point here (DNS rebinding) would else read the data through its visitor's browser.
 * @throws TM_API_HOST
 */
export function checkHost({ headers }: FastifyRequest, { host }: Config['api']): void {
  if (!isLoopback(host) || isLoopback(hostName(headers.host))) return;
  throw new TidemarkError('TM_API_HOST', `this is not the address of ${headers.host ?? 'a request without Host'}`, {
    where: 'host',
    hint: 'Ask for localhost, 127.0.0.1 or [::1]; for other names set api.host and api.key.',
  });
}

/** The name in a Host header, without its port; empty when there is none. */
function hostName(header = ''): string {
  const match = HOST.exec(header);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

/** @throws TM_API_KEY when a key is configured and the request does not carry it */
export function checkKey({ headers }: FastifyRequest, key: string): void {
  if (key === '') return;
  const bearer = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = headers['x-api-key'] ?? bearer;
  if (typeof given === 'string' && isSame(given, key)) return;
  throw new TidemarkError('TM_API_KEY', given === undefined ? 'an API key is needed' : 'the API key is wrong', {
    hint: 'Send it in `authorization: Bearer KEY` or `x-api-key: KEY`.',
  });
}

/** Rows are taken with a key of their own, and without one not at all. @throws TM_INGEST_OFF, TM_API_KEY */
export function checkIngestKey(request: FastifyRequest, key: string): void {
  if (key === '') {
    throw new TidemarkError('TM_INGEST_OFF', 'rows are not taken here', {
      hint: 'Set TIDEMARK_INGEST_KEY to a key of at least 16 characters, and send it with the rows.',
    });
  }
  checkKey(request, key);
}

/** In the same time for any two texts. */
function isSame(given: string, key: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(key));
}
