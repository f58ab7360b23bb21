/** Rows and records that could not be used. */
export const DEAD_LETTER_TOPIC = 'deadletter';

/** What was done with dead letters, which themselves stay as they are. */
export const DEAD_LETTER_MARK_TOPIC = 'deadletter.marks';
