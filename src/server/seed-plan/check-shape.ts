import type { TArray, TObject, TSchema } from '@sinclair/typebox';
import { KindGuard } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { nearest } from '../../base/edit-distance.ts';
import { isJsonObject } from '../../base/json.ts';
import type { SeedFilesError } from '../seed-error.ts';
import type { MemberNotes, PlanPath, SeedDocument } from './schema.ts';

export type Problem = (path: PlanPath, message: string) => SeedFilesError;

const nestingMax = 16;

/** @throws SeedFilesError at the first value that the schema does not have: with what is near a name, and what a value must be */
export function checkShape(schema: TSchema, value: unknown, problem: Problem): asserts value is SeedDocument {
  check(schema, value, []);

  function check(shape: TSchema, held: unknown, path: PlanPath): void {
    if (path.length > nestingMax) throw problem(path, 'nests too deep.');
    if (KindGuard.IsObject(shape)) checkMembers(shape, held, path);
    else if (KindGuard.IsArray(shape)) checkList(shape, held, path);
    else checkValue(shape, held, path);
  }

  function checkValue(shape: TSchema, held: unknown, path: PlanPath): void {
    const { expected, isOne, choices } = notesOf(shape);
    const isRight = Value.Check(shape, held) && (typeof held !== 'string' || isOne?.(held) !== false);
    if (isRight) return;
    const near = typeof held === 'string' && choices !== undefined ? ` Near it: ${nearText(held, choices)}.` : '';
    throw problem(path, `${shown(held)} is not ${expected ?? 'allowed'}.${near}`);
  }

  function checkMembers(shape: TObject, held: unknown, path: PlanPath): void {
    if (!isJsonObject(held)) throw problem(path, `must have members: ${Object.keys(shape.properties).join(', ')}.`);
    const names = Object.keys(shape.properties);
    for (const [name, member] of Object.entries(held)) {
      const row = Object.hasOwn(shape.properties, name) ? shape.properties[name] : undefined;
      if (row === undefined)
        throw problem([...path, name], `there is no such member. Near it: ${nearText(name, names)}.`);
      check(row, member, [...path, name]);
    }
    const missing = (shape.required ?? []).find((name) => !Object.hasOwn(held, name));
    if (missing !== undefined) throw problem(path, `${missing} is missing.`);
  }

  function checkList(shape: TArray, held: unknown, path: PlanPath): void {
    const { expected } = notesOf(shape);
    if (!Array.isArray(held)) throw problem(path, `must be ${expected ?? 'a list'}.`);
    if (held.length > (shape.maxItems ?? 0)) throw problem(path, `has more than ${shape.maxItems ?? 0} entries.`);
    held.forEach((item, index) => check(shape.items, item, [...path, index]));
  }
}

const nearText = (wrong: string, names: readonly string[]): string => nearest(wrong, names, 3).join(', ');

const notesOf = (shape: TSchema): Partial<MemberNotes> => shape as Partial<MemberNotes>;

/** Short, and only what a person can have meant. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'an object';
  return `'${(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 60)}'`;
}
