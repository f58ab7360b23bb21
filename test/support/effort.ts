/** How many times the gate's counts `npm run soak` runs. */
const factor = Number(process.env.TIDEMARK_SOAK_FACTOR ?? 1);

/** A count of random cases, or a timeout, as the gate has it; `npm run soak` multiplies it. */
export function effort(gate: number): number {
  return gate * factor;
}
