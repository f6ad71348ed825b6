import type { StateFormat } from '../../src/state/formats/state-formats.ts';
import { newestOf, stateFormats } from '../../src/state/formats/state-formats.ts';

/** What a version knows that is `ahead` formats ahead of this one. */
export const formatsAhead = (ahead: number): readonly StateFormat[] => [
  ...stateFormats,
  ...Array.from({ length: ahead }, (_, index) => {
    const format = newestOf(stateFormats) + index + 1;
    const sql = `CREATE TABLE later_${format} (n int)`;
    return { format, says: `the table later_${format}`, postgres: `${sql};`, sqlite: sql };
  }),
];
