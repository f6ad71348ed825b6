import { buildExpression } from './expressions/expressions.ts';
import { declare } from './statements.ts';
import { buildTabular } from './tables.ts';
import type { Visitors } from './draft/visit.ts';

export const visitors: Visitors = { expression: buildExpression, table: buildTabular, statement: declare };
