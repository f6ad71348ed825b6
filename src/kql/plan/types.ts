/** The ten scalar types of KQL. Physical form in DuckDB, in Parquet and in SQL:
 * bool BOOLEAN · int INTEGER · long BIGINT · real DOUBLE · decimal DECIMAL(38,18) · string VARCHAR, never NULL ·
 * datetime BIGINT, ticks of 100 ns since 0001-01-01 · timespan BIGINT, ticks · guid UUID · dynamic VARCHAR holding JSON
 * text, NULL for null (the text `null` never stands at the top). */
export const kqlTypes = [
  'bool',
  'int',
  'long',
  'real',
  'decimal',
  'datetime',
  'timespan',
  'guid',
  'string',
  'dynamic',
] as const;
export type KqlType = (typeof kqlTypes)[number];

export const isKqlType = (name: string): name is KqlType => (kqlTypes as readonly string[]).includes(name);

export interface Column {
  readonly name: string;
  readonly type: KqlType;
}

/** The DuckDB type that holds a KQL type. */
export const physicalType = {
  bool: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  real: 'DOUBLE',
  decimal: 'DECIMAL(38,18)',
  datetime: 'BIGINT',
  timespan: 'BIGINT',
  guid: 'UUID',
  string: 'VARCHAR',
  dynamic: 'VARCHAR',
} as const satisfies Record<KqlType, string>;
