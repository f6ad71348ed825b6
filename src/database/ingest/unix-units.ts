/** Of `DateTimeFromUnix…`: ticks in a unit, units in a tick. */
export const unixUnits = {
  DateTimeFromUnixSeconds: [10_000_000, 1],
  DateTimeFromUnixMilliseconds: [10_000, 1],
  DateTimeFromUnixMicroseconds: [10, 1],
  DateTimeFromUnixNanoseconds: [1, 100],
} as const;
