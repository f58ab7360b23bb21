import type { TimeRange } from '../core/timeRange.ts';
import { TidemarkError } from '../errors.ts';
import type { Generation } from '../runtime/generations.ts';
import { fingerprintOf } from '../runtime/recovery.ts';
import { paramsOver } from '../runtime/topologySource.ts';
import { assemble } from '../topology/assemble.ts';
import type { ParamValue, Topology } from '../topology/topology.ts';
import { longestMicros, type WindowSet } from '../topology/windows/definition.ts';

export interface Definition {
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly windows: readonly WindowSet[];
  readonly fingerprint: string;
}

/** A topology as the definition of a generation. */
export function definitionOf(
  { definition, set }: { readonly definition: Topology; readonly set: Readonly<Record<string, string>> },
  recorded: Readonly<Record<string, ParamValue>>,
  generation: number,
): Definition {
  const params = paramsOver(definition, set, recorded);
  const assembly = assemble({ topology: definition, params, generation, onElement: () => {} });
  assembly.close();
  const { windows } = assembly;
  return { params, windows, fingerprint: fingerprintOf(definition, params, assembly) };
}

/** The watermark at which windows that end before a range take no more records. */
export function expiredAt(windows: readonly WindowSet[], { fromMicros }: TimeRange): number {
  return fromMicros - 1 + Math.max(...windows.map(({ latenessMicros }) => latenessMicros));
}

/** How far behind the watermark a window that still takes records may reach; infinite for sessions. */
export function reachOf(windows: readonly WindowSet[]): number {
  const reaches = windows.map(
    ({ definitions, latenessMicros }) => latenessMicros + Math.max(...definitions.map(longestMicros)),
  );
  return Math.max(...reaches);
}

/** @throws TM_TOPOLOGY_CHANGED when a topology is not the one that a generation was computed with */
export function checkDefinition(
  parts: Parameters<typeof definitionOf>[0],
  { number, params }: Generation,
  fingerprint: string | null,
): void {
  if (definitionOf(parts, params ?? {}, number).fingerprint === fingerprint) return;
  throw new TidemarkError('TM_TOPOLOGY_CHANGED', `generation ${number} was computed with another definition`, {
    where: `topology ${parts.definition.name}`,
    hint: 'Give the topology file, and each --set, that it was computed with.',
  });
}
