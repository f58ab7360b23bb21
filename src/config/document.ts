import { type ConfigOption, configOptions, configSchema } from '../config.ts';

const INTRODUCTION = `# Configuration

Generated from the schema in \`src/config.ts\` by \`node --import tsx scripts/generate-config-docs.ts\`: edit there.

Every value has a default; Tidemark runs without a configuration file. A value is looked for in this order, and the first
place that has it wins:

1. a flag, where the command line has one (\`--data DIR\` for \`data.directory\`);
2. the environment variable \`TIDEMARK_SECTION_NAME\`; an empty one counts as not set;
3. the YAML file given by \`--config FILE\`;
4. the default.

The schema is closed: an unknown key, a value of the wrong type or one out of bounds stops the command with \`TM_CONFIG\`
and exit status 2, wherever it was set.

\`\`\`yaml
# tidemark.yaml
log:
  partitions: 8
commit:
  intervalMs: 500
clickhouse:
  url: http://localhost:8123
\`\`\`
`;

function shownDefault(option: ConfigOption): string {
  return option.default === '' ? 'empty' : `\`${option.default}\``;
}

function bounds({ minimum, maximum, pattern, enum: values }: ConfigOption): string {
  if (values !== undefined) return values.map((value) => (value === '' ? 'empty' : `\`${value}\``)).join(', ');
  if (pattern !== undefined) return `matches \`${pattern.replaceAll('|', '\\|')}\``;
  return minimum === undefined ? 'text' : `${minimum} to ${maximum}`;
}

function row(option: ConfigOption): string {
  const cells = [
    `\`${option.name}\``,
    `\`${option.variable}\``,
    shownDefault(option),
    option.unit ?? '',
    bounds(option),
    option.description,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** `docs/configuration.md`, whole. */
export function configurationDocument(): string {
  const sections = Object.entries(configSchema.properties).map(([name, schema]) => {
    const { description } = schema as { description?: string };
    const rows = configOptions.filter((option) => option.section === name).map(row);
    return [
      `## ${name}`,
      '',
      description,
      '',
      '| name | variable | default | unit | bounds | meaning |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}
