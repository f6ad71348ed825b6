import type { Json } from '../../base/json.ts';
import { textOf } from '../expressions/values.ts';
import { wrongArgument } from './function-row.ts';

/** Composite formatting: `{index,width:format}`, doubled braces for braces.
 * @throws TemplateError for a place without a value, and for a format that is not known here */
export function formatText(template: string, values: readonly Json[]): string {
  const place = /\{\{|\}\}|\{(\d{1,3})(?:,(-?\d{1,4}))?(?::([^}]*))?\}|[{}]/g;
  return template.replaceAll(place, (found, index?: string, width?: string, format?: string) => {
    if (found === '{{' || found === '}}') return found.slice(1);
    const value = index === undefined ? undefined : values[Number(index)];
    if (value === undefined) throw wrongArgument('format', 'the format string is not valid for the arguments');
    const shown = format === undefined || format === '' ? textOf(value) : formatted(value, format);
    const length = Number(width ?? 0);
    return length < 0 ? shown.padEnd(-length) : shown.padStart(length);
  });
}

function formatted(value: Json, format: string): string {
  const [, kind = '', digits = ''] = /^([A-Za-z])(\d{0,2})$/.exec(format) ?? [];
  if (typeof value !== 'number') return textOf(value); // texts have no formats
  const sign = value < 0 ? '-' : '';
  const count = digits === '' ? undefined : Number(digits);
  switch (kind.toUpperCase()) {
    case 'D':
      if (Number.isInteger(value)) return sign + String(Math.abs(value)).padStart(count ?? 0, '0');
      break;
    case 'N':
      return value.toLocaleString('en-US', { minimumFractionDigits: count ?? 2, maximumFractionDigits: count ?? 2 });
    case 'F':
      return value.toFixed(count ?? 2);
    case 'X':
      if (Number.isInteger(value) && value >= 0) {
        const hex = value.toString(16).padStart(count ?? 0, '0');
        return kind === 'X' ? hex.toUpperCase() : hex;
      }
      break;
    case 'G':
      return String(value);
  }
  if (/^0+$/.test(format) && Number.isInteger(value))
    return sign + String(Math.abs(value)).padStart(format.length, '0');
  throw wrongArgument('format', `Kustody does not know the format '${format.slice(0, 40)}' of a number`);
}
