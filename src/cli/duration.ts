const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90s`, `15m`, `36h`, `90d`, `2w`, several of them one after the other (`1d12h`), or an ISO 8601 duration, whose months count
 * 30 days and whose years 365. @returns whole seconds, or undefined */
export function parseDuration(text: string): number | undefined {
  const simple = /^(?:\d+[smhdw])+$/.exec(text);
  if (simple !== null) {
    return [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0),
      0,
    );
  }
  const iso = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  if (iso === null || text.endsWith('T') || text === 'P') return undefined;
  const lengths = [365 * 86_400, 30 * 86_400, 604_800, 86_400, 3600, 60, 1];
  return lengths.reduce((sum, length, index) => sum + length * Number(iso[index + 1] ?? 0), 0);
}
