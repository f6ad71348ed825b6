/** Jest loads setup and teardown as files of their own, in one process. */
const key = Symbol.for('kustody.jest.stop');
type Holder = typeof globalThis & { [key]?: () => Promise<void> };

export function keepForTeardown(stop: () => Promise<void>): void {
  (globalThis as Holder)[key] = stop;
}

export async function tearDown(): Promise<void> {
  const holder = globalThis as Holder;
  const stop = holder[key];
  Reflect.deleteProperty(holder, key);
  await stop?.();
}
