import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApiServer } from './parts.ts';

/** The page's files lie beside `src` and `dist`, the same for both. */
const FOLDER = fileURLToPath(new URL('../../page', import.meta.url));
const INDEX = 'index.html';
const CHART_LIBRARY = 'lightweight-charts.js';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** Nothing from elsewhere, nothing inline: what the API's data say can be shown and never run. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // Asked for again each time, and answered with 304 while it is the same: a new version is seen at once.
  'cache-control': 'no-cache',
};

interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly tag: string;
}

/**
 * Serves the page at `/` and what belongs to it under `/page/`. All files are read now: a path in a request never
 * reaches the file system, and the page needs nothing from the network.
 */
export function declarePage(server: ApiServer): void {
  declareAsset(server, '/', assetOf(join(FOLDER, INDEX)));
  for (const file of readdirSync(FOLDER)) {
    if (file === INDEX || !(extname(file) in CONTENT_TYPES)) continue;
    declareAsset(server, `/page/${file}`, assetOf(join(FOLDER, file)));
  }
  declareAsset(server, `/page/${CHART_LIBRARY}`, assetOf(chartLibrary()));
}

function declareAsset(server: ApiServer, url: string, { body, type, tag }: Asset): void {
  server.get(url, { schema: { hide: true } }, async (request, reply) => {
    reply.headers(HEADERS).header('etag', tag);
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    return reply.type(type).send(body);
  });
}

function assetOf(file: string): Asset {
  const body = readFileSync(file);
  const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  return { body, type: CONTENT_TYPES[extname(file)] ?? 'application/octet-stream', tag };
}

/** The chart library as one module without imports, from its package. */
function chartLibrary(): string {
  const manifest = createRequire(import.meta.url).resolve('lightweight-charts/package.json');
  return join(dirname(manifest), 'dist/lightweight-charts.standalone.production.mjs');
}
