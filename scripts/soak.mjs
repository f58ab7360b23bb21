// Runs what is random with many times the gate's counts: windows against the oracle, chunking and crashes, poison and
// fuzz, kills. Ends with a dated summary for docs/guarantees.md. `FACTOR=20 npm run soak` changes how many times.
import { fileURLToPath } from 'node:url';
import { runNode } from './runNode.mjs';

const DEFAULT_FACTOR = 10;
/** Of the timeout of tests that name none. */
const TEST_TIMEOUT_MS = 60_000;
const SUITES = [
  'test/property',
  'test/simulation',
  'test/golden',
  'test/topology',
  'test/log',
  'test/core',
  'test/producers/kills',
  'test/producers/alphavantage',
  'test/producers/yahoo',
  'test/producers/market',
  'test/producers/venues',
  'test/producers/recordings',
  'test/producers/deadletters/kills',
  'test/producers/jsonNumbers',
  'test/api/ingestKills',
  'test/api/publishedStream',
  'test/integration/kills',
  'test/integration/kafkaVenue',
  'test/integration/replayHistory',
  'test/integration/kafkaFaults',
  'test/integration/scaleOut',
];

const root = fileURLToPath(new URL('..', import.meta.url));
const factor = Number(process.env.FACTOR ?? DEFAULT_FACTOR);
const started = new Date();
const status = await runNode(
  ['scripts/test.mjs', ...SUITES, `--testTimeout=${TEST_TIMEOUT_MS * factor}`, '--coverage.enabled=false'],
  { cwd: root, env: { ...process.env, TIDEMARK_SOAK_FACTOR: String(factor) } },
);
const minutes = ((Date.now() - started.getTime()) / 60_000).toFixed(1);
const verdict = status === 0 ? 'passed' : 'FAILED';
console.log(
  `soak ${started.toISOString().slice(0, 10)}: ${factor} times the gate's counts, ${minutes} min, ${verdict}`,
);
process.exitCode = status;
