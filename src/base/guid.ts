import type { Brand } from './brand.ts';

/** A GUID in its usual text form, always lower case. */
export type Guid = Brand<string, 'Guid'>;

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function parseGuid(text: string): Guid | undefined {
  const lower = text.toLowerCase();
  return guidPattern.test(lower) ? (lower as Guid) : undefined;
}

/** What stands for none. */
export const zeroGuid = '00000000-0000-0000-0000-000000000000';
