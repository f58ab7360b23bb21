import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify from 'fastify';
import { afterAll, describe, expect, it } from 'vitest';
import { declarePage } from '../../src/api/page.ts';

const server = Fastify().withTypeProvider<TypeBoxTypeProvider>();
declarePage(server);
afterAll(() => server.close());

async function textAt(url: string): Promise<string> {
  const { statusCode, body } = await server.inject(url);
  expect(statusCode, url).toBe(200);
  return body;
}

describe("the page's files", () => {
  it('are all served from here, whatever leads to them', async () => {
    const index = await textAt('/');
    const waiting = [...index.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    const seen = new Set<string>();
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      if (seen.has(url)) continue;
      seen.add(url);
      const body = await textAt(url);
      for (const [, name] of body.matchAll(/^(?:import|\}) .*from '\.\/([^']+)';$/gm)) waiting.push(`/page/${name}`);
    }
    expect(seen).toContain('/page/lightweight-charts.js');
    expect(seen.size).toBeGreaterThan(15);
    expect(index).not.toMatch(/(?:src|style|href)="https?:(?!\/\/www\.tradingview\.com\/")/);
  });

  it('allow nothing inline and nothing from elsewhere', async () => {
    const { headers } = await server.inject('/');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('are not sent again while they are the same', async () => {
    const { headers } = await server.inject('/page/main.js');
    const again = await server.inject({ url: '/page/main.js', headers: { 'if-none-match': String(headers.etag) } });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('lead to no other file', async () => {
    for (const url of ['/page/../package.json', '/page/tsconfig.json', '/page/%2e%2e/package.json', '/page/']) {
      expect((await server.inject(url)).statusCode, url).toBe(404);
    }
  });
});
