// Removes what is made from the sources; packages and data stay.
import { rmSync } from 'node:fs';

for (const made of ['dist', 'coverage', 'setup.log']) {
  rmSync(new URL(`../${made}`, import.meta.url), { recursive: true, force: true });
}
