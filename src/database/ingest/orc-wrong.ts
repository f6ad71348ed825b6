import { malformedData } from '../catalog/data-error.ts';

/** @param what of the file, after its name */
export const orcWrong = (what: string): Error => malformedData('BadRequest_InvalidBlob', `The ORC file ${what}`);
