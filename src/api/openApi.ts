import { readFileSync } from 'node:fs';
import type { SwaggerOptions } from '@fastify/swagger';
import type { ApiParts } from './parts.ts';

/** The head of the OpenAPI document; its paths come from the routes' schemas. */
export function openApi({ key }: ApiParts['config']): SwaggerOptions {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tidemark',
        version,
        description: 'Exact windowed bars of ticks: stored and live. Errors are problems (RFC 9457) with a `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          header: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
      ...(key === '' ? {} : { security: [{ bearer: [] }, { header: [] }] }),
    },
  };
}
