/** Why a query or command was refused or failed. The wire layer maps each to its status and code. */
export type KqlErrorCode =
  /** does not parse: SYN… */
  | 'syntax'
  /** parses, but names or types are wrong: SEM…, General_BadRequest */
  | 'semantic'
  /** names a database that whoever asks does not see */
  | 'databaseNotFound'
  /** right KQL that is not built here; the message names it */
  | 'notSupported'
  /** data or argument made it impossible while running: General_BadRequest */
  | 'runtime'
  /** text too long, too deep, or result too large */
  | 'limits'
  /** there was no memory left for it */
  | 'memory'
  /** it held more memory than the client or the workload group allow */
  | 'runaway'
  | 'timeout'
  | 'cancelled'
  /** our own fault */
  | 'internal';

/** How the engine of the service words a mistake. */
export interface EngineWords {
  /** `SEM0100`, `SYN0002`; undefined where the service's own is not known. */
  readonly code?: string | undefined;
  /** What of the text the words are about: a name, an operator; `<EOF>` for its end. */
  readonly token?: string | undefined;
}

/** @property position UTF-16 offset in the text as sent; undefined when the place is inside a stored function */
export class KqlError extends Error {
  override readonly name = 'KqlError';
  constructor(
    readonly code: KqlErrorCode,
    message: string,
    readonly position?: number,
    /** The parser's own code (`KS142`) where there is one, or the one that it has for what we found ourselves. */
    readonly parserCode?: string,
    /** The one that the text names, where there is none of that name to whoever asks. */
    readonly database?: string,
    /** The management command that it is about, as the parser names it, where its grammar is right and something in it is wrong. */
    readonly command?: string,
    /** Of `message`, where it is worded as the engine does. */
    readonly engine?: EngineWords,
  ) {
    super(message);
  }
}

/** A mistake in the engine's own words. @param code undefined where only the words are known */
export const engineMistake = (
  kind: KqlErrorCode,
  engine: EngineWords,
  message: string,
  position?: number,
  parserCode?: string,
): KqlError => new KqlError(kind, message, position, parserCode, undefined, undefined, engine);

/** @param what in the words of the service: https://github.com/microsoft/fabric-toolbox/issues/31 */
export const lowMemory = (what = 'bad allocation'): KqlError =>
  new KqlError('memory', `${what} (E_LOW_MEMORY_CONDITION)`);

/** @param operator as KQL names it; undefined where none holds rows
 * @see https://github.com/Azure/Azure-Sentinel/issues/13143 for the words; which operator is named is ours */
export const runawayQuery = (operator: string | undefined, bytes: number): KqlError =>
  new KqlError(
    'runaway',
    `${operator === undefined ? 'The query' : `'${operator}' operator`} has exceeded the memory budget (${bytes}) during evaluation. Results may be incorrect or incomplete (E_RUNAWAY_QUERY; see https://aka.ms/kustoquerylimits).`,
  );

export const databaseNotFound = (name: string, position?: number): KqlError =>
  new KqlError('databaseNotFound', `Database '${name}' could not be found.`, position, undefined, name);

/** @returns the database that was not found, whoever missed it: our builder or the parser */
export const missingDatabase = (error: unknown): string | undefined =>
  error instanceof KqlError ? error.database : undefined;

export interface SerializedKqlError {
  readonly code: KqlErrorCode;
  readonly message: string;
  readonly position?: number | undefined;
  readonly parserCode?: string | undefined;
  readonly database?: string | undefined;
  readonly command?: string | undefined;
  readonly engine?: EngineWords | undefined;
}

export const serializeKqlError = ({
  code,
  message,
  position,
  parserCode,
  database,
  command,
  engine,
}: KqlError): SerializedKqlError => ({
  code,
  message,
  position,
  parserCode,
  database,
  command,
  engine,
});

export const deserializeKqlError = (from: SerializedKqlError): KqlError =>
  new KqlError(from.code, from.message, from.position, from.parserCode, from.database, from.command, from.engine);
