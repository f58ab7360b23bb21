import { afterAll, beforeAll, describe } from 'vitest';
import { type RegistryProcess, startApicurio, whyNoApicurio } from '../../support/registry/apicurio.ts';
import { requirement } from '../../support/requirement.ts';
import { registryOverHttp } from './overHttp.ts';

const missing = whyNoApicurio();
const available = requirement('kafka', missing === null, `the registry's contract on Apicurio Registry: ${missing}`);
const START_TIMEOUT_MS = 120_000;

describe.skipIf(!available)('on Apicurio Registry', () => {
  let registry: RegistryProcess;

  beforeAll(async () => {
    registry = await startApicurio();
  }, START_TIMEOUT_MS);

  afterAll(() => registry.end());

  registryOverHttp('Apicurio Registry', () => registry.url);
});
