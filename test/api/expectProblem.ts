import { expect } from 'vitest';

/** An answer is a problem as RFC 9457 has it, and shows nothing of the inside. */
export async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  const problem: unknown = await response.clone().json();
  expect(problem).toMatchObject({ status, code, type: `urn:tidemark:error:${code}` });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(JSON.stringify(problem)).not.toMatch(/\bat \/|node_modules|\.ts:|stack/);
}
