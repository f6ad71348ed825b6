import type { CatalogDifference } from './catalog-differences.ts';
import type { ParsedCommand } from '../plan/command.ts';
import type { FunctionFactsByName } from '../plan/function-facts.ts';
import type { Program } from '../plan/plan.ts';
import type { ToldSchema } from '../plan/told-schema.ts';
import type { SerializedKqlError } from '../plan/kql-error.ts';

/** Messages between the engine and its parser process (JSON over IPC). */
export type ParserRequest =
  /** What the rows of functions tell the parser: once, before all else. */
  | { readonly id: number; readonly k: 'functions'; readonly functions: FunctionFactsByName }
  /** Before the first request that names it; nothing answers. */
  | { readonly id: number; readonly k: 'catalog'; readonly catalog: CatalogDifference }
  | {
      readonly id: number;
      readonly k: 'query' | 'command' | 'graph';
      /** Of a graph: the name of its model. */
      readonly text: string;
      readonly database: string;
      readonly catalogVersion: string;
      /** Of a query: unions that do not say so are fuzzy. */
      readonly bestEffort?: boolean;
      /** Of a query: values of its parameters that may name a table or a database; null for one that cannot. */
      readonly naming?: Readonly<Record<string, string | null>>;
      /** What operators have told of their columns. */
      readonly told?: readonly ToldSchema[];
    };

export type ParserReply =
  | { readonly id: number; readonly k: 'ready' }
  | { readonly id: number; readonly k: 'done' }
  | { readonly id: number; readonly k: 'program'; readonly program: Program }
  | { readonly id: number; readonly k: 'commandParsed'; readonly command: ParsedCommand }
  | { readonly id: number; readonly k: 'refused'; readonly error: SerializedKqlError };
