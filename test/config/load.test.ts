import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { type Config, configOptions } from '../../src/config.ts';
import { TidemarkError } from '../../src/errors.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function yamlFile(content: string): string {
  const path = join(directory, 'tidemark.yaml');
  writeFileSync(path, content);
  return path;
}

function refusal(sources: ConfigSources): TidemarkError {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function settingOf(config: Config, key: string): unknown {
  const [section = '', name = ''] = key.split('.');
  const sections: Record<string, Record<string, unknown>> = config;
  return sections[section]?.[name];
}

describe('configuration', () => {
  it('has a default for every value', () => {
    const config = loadConfig({ env: {} });
    for (const option of configOptions) expect(settingOf(config, option.key), option.key).toBe(option.default);
  });

  it('takes a flag before a variable before the file before the default', () => {
    const integers = configOptions.filter((option) => option.type === 'integer');
    const sourceValue = fc.option(fc.nat(), { nil: undefined });
    fc.assert(
      fc.property(fc.constantFrom(...integers), sourceValue, sourceValue, sourceValue, (option, ...given) => {
        const { minimum = 0, maximum = 0, key, section, name, variable } = option;
        const [flag, env, file] = given.map((n) =>
          n === undefined ? undefined : minimum + (n % (maximum - minimum + 1)),
        );
        const config = loadConfig({
          env: env === undefined ? {} : { [variable]: String(env) },
          ...(file === undefined ? {} : { file: yamlFile(`${section}:\n  ${name}: ${file}\n`) }),
          ...(flag === undefined ? {} : { flags: new Map([[key, { value: String(flag), where: '--flag' }]]) }),
        });
        expect(settingOf(config, key)).toBe(flag ?? env ?? file ?? option.default);
      }),
    );
  });

  it('names an unknown key of the file, its line and the nearest key', () => {
    const file = yamlFile('log:\n  partitions: 2\ncommit:\n  intervallMs: 5\n');
    expect(refusal({ env: {}, file })).toMatchObject({
      code: 'TM_CONFIG',
      exitStatus: 2,
      message: 'there is no configuration key commit.intervallMs',
      where: `${file}:4`,
      hint: 'did you mean commit.intervalMs?',
    });
  });

  it('names an unknown section and the nearest one', () => {
    const file = yamlFile('clikhouse:\n  url: ""\n');
    expect(refusal({ env: {}, file })).toMatchObject({ hint: 'did you mean clickhouse?' });
  });

  it('refuses an unknown variable of a section, and leaves variables of other uses alone', () => {
    expect(refusal({ env: { TIDEMARK_COMMIT_INTERVALMS: '5' } })).toMatchObject({
      code: 'TM_CONFIG',
      message: 'there is no configuration variable TIDEMARK_COMMIT_INTERVALMS',
      hint: 'did you mean TIDEMARK_COMMIT_INTERVAL_MS?',
    });
    expect(loadConfig({ env: { TIDEMARK_DEBUG: '1', TIDEMARK_TEST_DATA: '/data' } })).toEqual(loadConfig({ env: {} }));
  });

  it('takes an empty variable as not set', () => {
    expect(loadConfig({ env: { TIDEMARK_LOG_PARTITIONS: '' } }).log.partitions).toBe(4);
  });

  it.each([
    ['a text', 'log: { partitions: many }'],
    ['a number in quotes', "log: { partitions: '8' }"],
    ['a fraction', 'log: { partitions: 1.5 }'],
    ['zero', 'log: { partitions: 0 }'],
    ['null', 'log: { partitions: }'],
    ['a list', 'log: { partitions: [4] }'],
  ])('refuses %s where a count belongs, naming key, value and place', (_, content) => {
    const file = yamlFile(content);
    const error = refusal({ env: {}, file });
    expect(error.code).toBe('TM_CONFIG');
    expect(error.message).toMatch(/^log\.partitions must be an integer from 1 to 1024, not /);
    expect(error.where).toBe(`${file}:1`);
  });

  it('refuses a wrong value even where a stronger source overrides it', () => {
    const file = yamlFile('log: { partitions: many }');
    expect(refusal({ env: { TIDEMARK_LOG_PARTITIONS: '4' }, file }).code).toBe('TM_CONFIG');
  });

  it.each(['abc', '1e3', '0x10', ' 5', '99999999999999999999'])('refuses the variable value %j', (value) => {
    expect(refusal({ env: { TIDEMARK_LOG_PARTITIONS: value } })).toMatchObject({
      where: 'TIDEMARK_LOG_PARTITIONS',
      message: expect.stringContaining(JSON.stringify(value)),
    });
  });

  it('never shows a secret', () => {
    const file = yamlFile('clickhouse: { password: [hunter2] }');
    expect(JSON.stringify(refusal({ env: {}, file }).message)).not.toContain('hunter2');
  });

  it.each([
    ['a section that is not a mapping', 'log: 4'],
    ['a list', '- log'],
    ['broken YAML', 'log: {'],
    ['a key given twice', 'log: { partitions: 1 }\nlog: { partitions: 2 }'],
  ])('refuses %s', (_, content) => {
    expect(refusal({ env: {}, file: yamlFile(content) }).code).toBe('TM_CONFIG');
  });

  it('takes an empty file, and a file of comments, as no settings', () => {
    expect(loadConfig({ env: {}, file: yamlFile('') })).toEqual(loadConfig({ env: {} }));
    expect(loadConfig({ env: {}, file: yamlFile('# nothing\nlog:\n') })).toEqual(loadConfig({ env: {} }));
  });

  it('says when the file cannot be read', () => {
    expect(refusal({ env: {}, file: join(directory, 'absent.yaml') }).where).toBe(join(directory, 'absent.yaml'));
  });
});
