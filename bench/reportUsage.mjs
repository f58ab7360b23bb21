// Loaded into a measured process: leaves what it used in the file named by BENCH_USAGE_FILE when it ends.
import { appendFileSync } from 'node:fs';

const file = process.env.BENCH_USAGE_FILE;
if (file !== undefined) {
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    appendFileSync(file, `${JSON.stringify({ maxRssKb: maxRSS, cpuMicros: userCPUTime + systemCPUTime })}\n`);
  });
}
