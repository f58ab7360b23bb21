/** What an emitted window is: a result, one that will come again at completion, or the taking back of an earlier one. */
export const FINAL = 0;
export const PROVISIONAL = 1;
export const RETRACTION = 2;
export type Emitted = typeof FINAL | typeof PROVISIONAL | typeof RETRACTION;
