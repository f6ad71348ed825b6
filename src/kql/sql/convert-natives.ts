import { compactJson } from '../values/json-text.ts';
import { formatReal, realToDynamic } from '../values/real-text.ts';
import { parseDatetime, parseTimespan } from '../values/ticks.ts';
import { nativeFunction, parseJson } from './native.ts';

/** Keeps the spelling of numbers: only what is not JSON changes. */
export const jsonOfText = nativeFunction('parse_json', ['string'], 'dynamic', ([text]) => {
  const source = String(text).trim();
  if (source === '') return null;
  const value = parseJson(source);
  if (value === undefined) return JSON.stringify(String(text));
  if (value === null) return null;
  return typeof value === 'object' ? compactJson(source) : source;
});

export const datetimeOfText = nativeFunction(
  'datetime_of_text',
  ['string'],
  'datetime',
  ([text]) => parseDatetime(String(text)) ?? null,
);

export const timespanOfText = nativeFunction(
  'timespan_of_text',
  ['string'],
  'timespan',
  ([text]) => parseTimespan(String(text)) ?? null,
);

export const realText = nativeFunction('real_text', ['real'], 'string', ([x]) => formatReal(Number(x)));
export const realJson = nativeFunction('real_json', ['real'], 'string', ([x]) => realToDynamic(Number(x)));

/** What conversions are made of, here and in the macros. */
export const conversionNatives = [jsonOfText, datetimeOfText, timespanOfText, realText, realJson];
