import type { Accumulation, GridDefinition } from './definition.ts';
import { divisor, type Grid } from './grid.ts';
import type { LevelPlan } from './sliceLevel.ts';

/** A window of at most so many slices is merged from them one by one; a longer one from slices of doubled sizes. */
const MOST_PLAIN_SLICES = 4;

/** Hopping windows, and the levels that one of them is merged from: finest first. */
export interface HoppingPlan extends Grid {
  readonly sizeMicros: number;
  readonly definition: number;
  readonly levels: readonly number[];
}

/** Levels so that a level's source comes before it. */
export interface SlicePlan {
  readonly levels: readonly LevelPlan[];
  readonly hopping: readonly HoppingPlan[];
}

interface Draft extends Grid {
  readonly sizeMicros: number;
  definition: number;
  source: number;
  readonly mergedInto: (Grid & { readonly sizeMicros: number })[];
}

/** A grid definition and its number among all definitions. */
export interface NumberedGrid {
  readonly grid: GridDefinition;
  readonly definition: number;
}

/**
 * Which slices serve the definitions. Accumulating windows share: a tumbling window is merged from the coarsest others that
 * divide it, and a hopping one from slices of its grid, doubled in size up to half the window (so that at most
 * 2 log2(size / slice) of them make a window). Discarding windows are emptied as they fire, so each has slots of its own.
 */
export function planSlices(grids: readonly NumberedGrid[], accumulation: Accumulation): SlicePlan {
  if (accumulation === 'discarding') return { levels: grids.flatMap(separateLevels), hopping: [] };
  const levels: Draft[] = [];
  const overlapping = grids.filter(({ grid }) => grid.slideMicros < grid.sizeMicros);
  const separate = grids.filter(({ grid }) => grid.slideMicros > grid.sizeMicros);
  const tumbling = grids.filter(({ grid }) => grid.slideMicros === grid.sizeMicros);
  const sizeOf = ({ grid }: NumberedGrid): number =>
    grid.slideMicros < grid.sizeMicros ? divisor(grid.sizeMicros, grid.slideMicros) : grid.sizeMicros;
  const shared = [...tumbling, ...overlapping].sort((a, b) => sizeOf(a) - sizeOf(b));
  const hopping: HoppingPlan[] = [];
  for (const numbered of shared) {
    const { grid, definition } = numbered;
    const base = levelOf(levels, sizeOf(numbered), grid.offsetMicros);
    if (grid.slideMicros === grid.sizeMicros) {
      // The same window twice under two offsets has a level for each name.
      if ((levels[base] as Draft).definition < 0) (levels[base] as Draft).definition = definition;
      else levels.push({ ...draft(grid.sizeMicros, grid.offsetMicros), definition });
    } else {
      hopping.push({ ...grid, definition, levels: doubledLevels(levels, base, grid) });
    }
  }
  return { levels: [...levels, ...separate.flatMap(separateLevels)], hopping };
}

function draft(sizeMicros: number, offsetMicros: number): Draft {
  return { sizeMicros, slideMicros: sizeMicros, offsetMicros, definition: -1, source: -1, mergedInto: [] };
}

/** The level of such slices; a new one takes the coarsest level that divides it as its source. */
function levelOf(levels: Draft[], sizeMicros: number, offsetMicros: number): number {
  const same = levels.findIndex(
    (level) => level.sizeMicros === sizeMicros && (level.offsetMicros - offsetMicros) % sizeMicros === 0,
  );
  if (same >= 0) return same;
  const level = draft(sizeMicros, offsetMicros);
  for (const [index, finer] of levels.entries()) {
    const divides = sizeMicros % finer.sizeMicros === 0 && (finer.offsetMicros - offsetMicros) % finer.sizeMicros === 0;
    const isCoarsest = level.source < 0 || finer.sizeMicros > (levels[level.source] as Draft).sizeMicros;
    if (divides && isCoarsest) level.source = index;
  }
  levels.push(level);
  return levels.length - 1;
}

function doubledLevels(levels: Draft[], base: number, grid: GridDefinition): number[] {
  const used = [base];
  const baseMicros = (levels[base] as Draft).sizeMicros;
  if (grid.sizeMicros / baseMicros > MOST_PLAIN_SLICES) {
    for (let size = baseMicros * 2; size * 2 <= grid.sizeMicros; size *= 2) {
      used.push(levelOf(levels, size, grid.offsetMicros));
    }
  }
  for (const index of used) (levels[index] as Draft).mergedInto.push(grid);
  return used;
}

/** Slots of its own for every window: as many grids without overlap as windows lie over one another. */
function separateLevels({ grid, definition }: NumberedGrid): LevelPlan[] {
  const { sizeMicros, slideMicros, offsetMicros } = grid;
  const overlap = Math.ceil(sizeMicros / slideMicros);
  return Array.from({ length: overlap }, (_, i) => ({
    sizeMicros,
    slideMicros: slideMicros * overlap,
    offsetMicros: offsetMicros + i * slideMicros,
    definition,
    source: -1,
    mergedInto: [],
  }));
}
