/** After this a test is taken to hang: what runs beside it may leave it little of the processors. Milliseconds. */
export const hangMs = 240_000;
/** So long something is waited for inside a test, which then fails with what it saw last. */
export const waitMs = 0.9 * hangMs;
