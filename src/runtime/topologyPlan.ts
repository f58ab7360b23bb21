import type { OutputSpec } from '../core/output.ts';
import { TidemarkError } from '../errors.ts';
import { type AssembledInput, assemble } from '../topology/assemble.ts';
import type { RepartitionTopic } from '../topology/stages/carried.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';

/** What a topology reads and writes, found without running it. */
export interface TopologyPlan {
  readonly inputs: readonly AssembledInput[];
  readonly outputs: readonly OutputSpec[];
  /** The topics between its stages. */
  readonly repartitions: readonly RepartitionTopic[];
}

/** @throws TM_TOPOLOGY when its steps do not fit together or it has no input */
export function planTopology(
  topology: Topology,
  params: Readonly<Record<string, ParamValue>>,
  generation: number,
): TopologyPlan {
  const assembly = assemble({ topology, params, generation, onElement: () => {} });
  assembly.close();
  const { inputs, outputs, repartitions } = assembly;
  if (inputs.length === 0) {
    throw new TidemarkError('TM_TOPOLOGY', 'a topology has at least one input', { where: `topology ${topology.name}` });
  }
  return { inputs, outputs, repartitions };
}
