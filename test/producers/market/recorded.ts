import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { MarketResponse } from '../../../src/producers/market/response.ts';
import { DATA_DIRECTORY, haveDataFiles } from '../../support/oracle/files.ts';
import { requirement } from '../../support/requirement.ts';

/** Whether tests that read recorded answers can run. */
export const HAS_RECORDINGS = requirement('data', haveDataFiles(), 'recorded answers of market APIs');

/** A recorded body as text; empty where there are none, and the tests are left out. */
export function recordedBody(path: string): string {
  if (!HAS_RECORDINGS) return '';
  const bytes = readFileSync(join(DATA_DIRECTORY, path));
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** None where the tests are left out. */
export function recordedFiles(folder: string): readonly string[] {
  if (!HAS_RECORDINGS) return [];
  return readdirSync(join(DATA_DIRECTORY, folder)).map((name) => `${folder}/${name}`);
}

export function response(body: string, receivedAt = '2026-05-17T17:12:44Z', status = 200): MarketResponse {
  return { status, body, receivedMicros: Date.parse(receivedAt) * 1_000 };
}

/** ISO 8601 of epoch microseconds. */
export function iso(micros: number | undefined): string {
  return new Date((micros ?? Number.NaN) / 1_000).toISOString();
}
