import { TidemarkError } from '../errors.ts';
import bars from '../topology/bars.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { loadTopology } from './loadTopology.ts';

/** The topology of a file, or the packaged one. @throws TM_TOPOLOGY_FILE */
export async function findTopology(file: string | undefined): Promise<Topology> {
  if (file === undefined) return bars;
  const loaded = await loadTopology(file);
  if (isTopology(loaded)) return loaded;
  throw new TidemarkError('TM_TOPOLOGY_FILE', 'the default export is not a topology', {
    where: file,
    hint: "Write `export default topology({ ... })` with topology from 'tidemark'.",
  });
}

function isTopology(value: unknown): value is Topology {
  return typeof value === 'object' && value !== null && 'build' in value && 'inputs' in value && 'version' in value;
}

/**
 * The topology's parameters with some of them set from text. A value becomes what its default is: a number, a text, a
 * truth value.
 *
 * @throws TM_USAGE for a name that the topology does not have, or a value of another type
 */
export function paramsOf(topology: Topology, set: Readonly<Record<string, string>>): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = { ...topology.params };
  for (const [name, text] of Object.entries(set)) {
    const standard = topology.params[name];
    if (standard === undefined) {
      throw new TidemarkError('TM_USAGE', `topology ${topology.name} has no parameter '${name}'`, {
        where: '--set',
        hint: `Its parameters: ${Object.keys(topology.params).join(', ') || 'none'}.`,
      });
    }
    params[name] = parsedLike(standard, text, name);
  }
  return params;
}

/** Parameters as they are set by hand, over those that a generation was made with, over the topology's own. @throws TM_USAGE */
export function paramsOver(
  topology: Topology,
  set: Readonly<Record<string, string>>,
  recorded: Readonly<Record<string, ParamValue>>,
): Record<string, ParamValue> {
  const params = paramsOf(topology, set);
  const kept = Object.entries(recorded).filter(([name]) => set[name] === undefined && name in params);
  return { ...params, ...Object.fromEntries(kept) };
}

function parsedLike(standard: ParamValue, text: string, name: string): ParamValue {
  if (typeof standard === 'string') return text;
  if (typeof standard === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const number = Number(text);
  if (typeof standard === 'number' && text.trim() !== '' && Number.isFinite(number)) return number;
  throw new TidemarkError('TM_USAGE', `'${text}' is not a ${typeof standard}`, {
    where: `--set ${name}`,
    hint: `The default is ${standard}.`,
  });
}
