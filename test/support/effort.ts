/** How many times the gate's counts `npm run soak` runs. */
const factor = Number(process.env.TIDEMARK_SOAK_FACTOR ?? 1);

/** A count of random cases, or a timeout, as the gate has it; `npm run soak` multiplies it, by `weight` besides. */
export function effort(gate: number, weight = 1): number {
  return factor === 1 ? gate : gate * factor * weight;
}
