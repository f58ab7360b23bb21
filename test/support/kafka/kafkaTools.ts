import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const POM = fileURLToPath(new URL('./pom.xml', import.meta.url));
/** The jars of Kafka's tools and of its broker. */
export const JARS = fileURLToPath(new URL('../../../node_modules/.cache/kafka-tools', import.meta.url));
/** A copy of the pom that the jars were fetched for. */
const FETCHED = join(JARS, 'pom.xml');
const FETCH_TIMEOUT_MS = 240_000;
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * Makes Kafka's own tools ready: they need Java and, the first time, Maven, which fetches them from Maven Central.
 * @returns why they cannot be had here, or null
 */
export function prepareKafkaTools(): string | null {
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' });
  } catch {
    return 'java does not run';
  }
  if (existsSync(FETCHED) && readFileSync(FETCHED, 'utf8') === readFileSync(POM, 'utf8')) return null;
  try {
    const fetch = ['-q', '-B', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`];
    execFileSync('mvn', fetch, { stdio: 'ignore', timeout: FETCH_TIMEOUT_MS });
  } catch (error) {
    return `mvn cannot fetch the tools: ${error instanceof Error ? error.message : String(error)}`;
  }
  writeFileSync(FETCHED, readFileSync(POM));
  return null;
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
