import { KqlError } from '../../kql/plan/kql-error.ts';
import { malformedData } from '../catalog/data-error.ts';

/** A log that says what no log of a Delta table says. */
export const notDelta = (why: string): Error =>
  malformedData('BadRequest_InvalidBlob', `The data is not a valid Delta table: ${why}`);

/** @param what of the Delta protocol, by the name that it has there */
export const notBuiltOfDelta = (what: string): KqlError =>
  new KqlError('notSupported', `${what.slice(0, 300)} of Delta tables is not built.`);

export const tooMuchDelta = (what: string): KqlError => new KqlError('limits', `The Delta table has ${what}.`);
