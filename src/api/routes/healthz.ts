import { Type } from 'typebox';
import type { ApiServer } from '../parts.ts';

const SCHEMA = {
  summary: 'Whether this process answers',
  security: [],
  querystring: Type.Object({}, { additionalProperties: false }),
  response: { 200: Type.Object({ status: Type.Literal('ok') }) },
};

export function declareHealthz(server: ApiServer): void {
  server.get('/healthz', { schema: SCHEMA }, async () => ({ status: 'ok' as const }));
}
