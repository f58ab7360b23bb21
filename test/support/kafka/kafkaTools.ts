import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, fetchOnce } from '../mavenCache.ts';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
const NAME = `kafka-${createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)}`;
/** The jars of Kafka's tools and of its broker. */
export const JARS = cached(NAME);
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Makes Kafka's own tools ready: they need Java and, the first time, Maven, which fetches them from Maven Central.
 * @returns why they cannot be had here, or null
 */
export function prepareKafkaTools(): string | null {
  return fetchOnce(NAME, (into) => ['-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${into}`]);
}

/** Runs a main class of Kafka's tools; its standard output. */
export function runKafkaTool(mainClass: string, args: readonly string[]): string {
  return execFileSync('java', ['-Xmx256m', '-cp', join(JARS, '*'), mainClass, ...args], {
    encoding: 'utf8',
    timeout: RUN_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
