import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Guid } from '../../../base/guid.ts';
import type { Column, KqlType } from '../../../kql/plan/types.ts';
import type { RefusingEngine } from '../../../kql/testing/refusing-engine.ts';
import { openRefusingEngine } from '../../../kql/testing/refusing-engine.ts';
import { translateError } from './engine-errors.ts';
import { oneApiError } from './kusto-error.ts';

interface Mistake {
  readonly query: string;
  readonly kind: 'syntax' | 'semantic';
  readonly code?: string;
  readonly text: string;
  readonly token?: string;
  readonly line?: number;
  readonly pos?: number;
  /** Ids of sources, apart by spaces. */
  readonly source: string;
}
interface Vectors {
  readonly tables: Readonly<Record<string, string>>;
  readonly functions: Readonly<Record<string, readonly [string, string]>>;
  readonly sources: Readonly<Record<string, { readonly kind: string; readonly address?: string }>>;
  readonly mistakes: readonly Mistake[];
}

const path = join(import.meta.dirname, '../../../../vectors/kql/errors.json');
const { tables, functions, sources, mistakes } = JSON.parse(readFileSync(path, 'utf8')) as Vectors;

const columns = (text: string): Column[] =>
  text.split(', ').map((one) => {
    const [name = '', type = ''] = one.split(':');
    return { name, type: type as KqlType };
  });

let engine: RefusingEngine;
beforeAll(async () => {
  engine = await openRefusingEngine({
    version: '1',
    cluster: 'local',
    databases: [
      {
        name: 'db',
        tables: Object.entries(tables).map(([name, text]) => ({ name, columns: columns(text) })),
        functions: Object.entries(functions).map(([name, [parameters, body]]) => ({ name, parameters, body })),
      },
    ],
  });
});
afterAll(() => engine.close());

const context = { timestamp: '', clientRequestId: '', activityId: '' as Guid };

async function answer(query: string): Promise<unknown> {
  const error: unknown = await engine.run(query).catch((thrown: unknown) => thrown);
  const told = translateError(error, query, 'db');
  return told && oneApiError(told, context);
}

describe('mistakes in queries, in the words of the engine', () => {
  it('are 80 and more, most of them shown by somebody else', () => {
    const named = mistakes.map(({ source }) => source.split(' '));
    expect(mistakes.length).toBeGreaterThanOrEqual(80);
    expect(named.flat().filter((source) => !Object.hasOwn(sources, source))).toEqual([]);
    expect(named.filter((of) => of.every((source) => sources[source]?.kind !== 'ours')).length).toBeGreaterThanOrEqual(
      55,
    );
  });

  it.each(mistakes.map((mistake) => [mistake.query, mistake] as const))('%s', async (query, mistake) => {
    const { kind, code, text, token, line = kind === 'syntax' ? 0 : undefined, pos = 0 } = mistake;
    const isSyntax = kind === 'syntax';
    const relop = code === 'SEM0080' ? 'Relop semantic error: ' : '';
    const place = isSyntax ? ` [line:position=${String(line)}:${String(pos)}]. Query: '${query}'` : '';
    const words = `${isSyntax ? 'Syntax' : 'Semantic'} error: ${relop}${code === undefined ? '' : `${code}: `}${text}${place}`;
    expect(await answer(query)).toEqual({
      error: {
        code: 'General_BadRequest',
        message: 'Request is invalid and cannot be executed.',
        '@type': 'Kusto.Data.Exceptions.KustoBadRequestException',
        '@message': `Request is invalid and cannot be processed: ${words}`,
        '@context': expect.anything() as unknown,
        '@permanent': true,
        '@text': query,
        '@database': 'db',
        innererror: {
          code: code ?? 'General_BadRequest',
          message: text,
          '@type': `Kusto.Data.Exceptions.${isSyntax ? 'Syntax' : 'Semantic'}Exception`,
          '@message': words,
          '@context': expect.anything() as unknown,
          '@permanent': true,
          '@errorCode': code ?? 'General_BadRequest',
          '@errorMessage': text,
          ...(line === undefined ? {} : { '@line': String(line), '@pos': String(pos) }),
          ...(token === undefined ? {} : { '@token': token }),
        },
      },
    });
  });

  it('are told first of the text, then of names, then of types, each in the order of the text', async () => {
    const said = async (query: string): Promise<unknown> =>
      ((await answer(query)) as { error: { innererror: unknown } }).error.innererror;
    expect(await said('T | where b > 1 | where x == 1 | wher')).toMatchObject({ code: 'SYN0002', '@token': 'wher' });
    expect(await said('T | where b > 1 | where x == 1 | where y == 1')).toMatchObject({ '@token': 'x' });
    expect(await said('T | where b > 1 | where a contains "1"')).toMatchObject({ code: 'SEM0064' });
  });

  it('keep to themselves what is marked as secret', async () => {
    const text = JSON.stringify(await answer("print h'tell nobody' nonsense"));
    expect(text).toContain('nonsense');
    expect(text).not.toContain('tell nobody');
  });
});
