/**
 * What a test may need that a machine may lack: the shared data files; Java with Maven; a Kafka broker or a schema registry
 * (both, and the native client; OpenSSL where the broker asks for TLS); Chromium; Python with its package index; curl; or Linux.
 */
export type RequirementName = 'data' | 'java' | 'kafka' | 'browser' | 'python' | 'curl' | 'linux';

/**
 * Whether tests that need `name` can run; meant for `describe.skipIf(!requirement(…))`. A part that is left out is
 * printed with its reason, so that a green run says what it did not try.
 * @throws Error where `TIDEMARK_REQUIRE` (a comma list) names the requirement: there, leaving it out is a failure.
 */
export function requirement(name: RequirementName, available: boolean, reason: string): boolean {
  if (available) return true;
  const required = (process.env.TIDEMARK_REQUIRE ?? '').split(',').map((entry) => entry.trim());
  if (required.includes(name)) throw new Error(`TIDEMARK_REQUIRE names ${name}, but it is missing: ${reason}`);
  console.log(`left out (needs ${name}): ${reason}`);
  return false;
}
