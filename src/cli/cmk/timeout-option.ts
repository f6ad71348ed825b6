import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../duration.ts';

export const timeoutOption = (): Option =>
  new Option('--timeout <DURATION>', 'time for the whole command').argParser(timeoutDuration).default(1800, '30m');

/** Seconds, of at most a day. */
export function timeoutDuration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined || seconds < 1 || seconds > 86_400)
    throw new InvalidArgumentError('It is no duration such as 90s or 30m, of at most a day.');
  return seconds;
}
