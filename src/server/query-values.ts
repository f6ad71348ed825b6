import { ControlError } from './control-plane.ts';

/** @param name of a parameter of the query @throws ControlError for what is no whole number from 0 to `max` */
export function wholeNumber(name: string, text: string, max: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > max) throw new ControlError(400, 'InvalidNumber', `'${name}' is from 0 to ${max}.`);
  return number;
}
