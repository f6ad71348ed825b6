/** The same day of the month, or the last one of a shorter month (UTC). */
export function addMonths(from: Date, months: number): Date {
  const to = new Date(from);
  to.setUTCDate(1);
  to.setUTCMonth(to.getUTCMonth() + months);
  const days = new Date(Date.UTC(to.getUTCFullYear(), to.getUTCMonth() + 1, 0)).getUTCDate();
  to.setUTCDate(Math.min(from.getUTCDate(), days));
  return to;
}

/** How many months, begun ones included, lie between. */
export function monthsBetween(from: Date, to: Date): number {
  const whole = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  for (const months of [whole - 1, whole, whole + 1]) if (addMonths(from, months) >= to) return Math.max(months, 1);
  return whole + 2;
}
