/** A process said something that its other side cannot make sense of. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  constructor(what: string) {
    super(`A cluster process sent a message that nobody understands: ${what}.`);
  }
}

export type Fields = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('no object');
  return value as Fields;
}

export function textOf(value: unknown, charsMax: number): string {
  if (typeof value !== 'string' || value.length > charsMax) throw new ProtocolError('text');
  return value;
}

export function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new ProtocolError('number');
  return value;
}

export function outcomeOf<const T extends string>(value: unknown, expected: T): T {
  if (objectOf(value).outcome !== expected) throw new ProtocolError('outcome');
  return expected;
}
