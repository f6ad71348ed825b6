import { describe, expect, it } from 'vitest';
import { instant, toIso } from '../../clock/clock.ts';
import { approximateDays, parseCalendarDuration, shifted } from './calendar-duration.ts';

describe('durations of the calendar', () => {
  it.each([
    ['P1Y2M3D', { months: 14, days: 3 }],
    ['P2W', { months: 0, days: 14 }],
    ['P90D', { months: 0, days: 90 }],
    ...['P', 'PT1H', 'P1DT1H', '90D', 'P1D2M', 'P-1D', 'p1d', 'P1.5D', ''].map((text) => [text, undefined] as const),
  ] as const)('%s', (text, expected) => {
    expect(parseCalendarDuration(text)).toEqual(expected);
  });

  it.each([
    ['2031-01-31T05:00:00.000Z', 'P1M', 1, '2031-02-28T05:00:00.000Z'],
    ['2031-03-31T05:00:00.000Z', 'P1M', -1, '2031-02-28T05:00:00.000Z'],
    ['2032-02-29T05:00:00.000Z', 'P1Y', 1, '2033-02-28T05:00:00.000Z'],
    ['2031-12-15T05:00:00.000Z', 'P1M20D', 1, '2032-02-04T05:00:00.000Z'],
  ] as const)('%s and %s', (from, text, sign, expected) => {
    const duration = parseCalendarDuration(text) ?? { months: 0, days: 0 };
    expect(toIso(shifted(instant(Date.parse(from)), duration, sign))).toBe(expected);
  });

  it('are compared by days', () => {
    expect(approximateDays({ months: 14, days: 3 })).toBe(365 + 60 + 3);
  });
});
