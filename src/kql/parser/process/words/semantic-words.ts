import type { Complaint } from './complaint.ts';
import {
  arityOf,
  calledFunction,
  isAlone,
  isCalled,
  isCompared,
  isArgumentOfPlugin,
  operandsOf,
  pipedTo,
  storageType,
} from './complaint.ts';
import { kindOf } from '../language/language.ts';

/** How the engine words one kind of mistake. The first row that fits counts. */
export interface WordsRow {
  /** Codes of the language service that it is for. */
  readonly ks: RegExp;
  readonly when?: (complaint: Complaint) => boolean;
  /** Of the service; none where nobody has told which it is. */
  readonly code?: string;
  readonly text: (complaint: Complaint) => string;
}

const within = ({ operator }: Complaint): string => (operator === undefined ? '' : `'${operator}' operator: `);
const isInside =
  (kind: RegExp) =>
  (complaint: Complaint): boolean =>
    complaint.path.some((node) => kind.test(kindOf(node)));
const hasSign =
  (signs: RegExp) =>
  (complaint: Complaint): boolean =>
    signs.test(operandsOf(complaint).sign);
const isCallOf =
  (name: RegExp) =>
  (complaint: Complaint): boolean =>
    name.test(calledFunction(complaint));

/** What is no identifier stands in brackets, however the query has it. @see https://github.com/Azure/Azure-Sentinel/issues/2276 */
const named = ({ token }: Complaint): string => (/^\w+$/.test(token) ? token : `[${JSON.stringify(token)}]`);

const tables = /^KS(142|204)$/;
const ofTable = ({ ks, said }: Complaint): boolean => ks === 'KS204' || /any known table\b/.test(said);

export const semanticWords: readonly WordsRow[] = [
  {
    ks: /^KS204$/,
    when: isCalled,
    code: 'SEM0100',
    text: (complaint) => `${within(complaint)}Failed to resolve tabular function named '${complaint.token}'`,
  },
  {
    ks: tables,
    when: isAlone,
    code: 'SEM0100',
    text: ({ token }) => `'table' operator: Failed to resolve table expression named '${token}'`,
  },
  {
    ks: tables,
    when: (complaint) => pipedTo(complaint) !== undefined,
    code: 'SEM0100',
    text: (complaint) =>
      `'${pipedTo(complaint) ?? ''}' operator: Failed to resolve table or column expression named '${complaint.token}'`,
  },
  {
    ks: tables,
    when: ofTable,
    code: 'SEM0100',
    text: (complaint) => `${within(complaint)}Failed to resolve table expression named '${complaint.token}'`,
  },
  {
    ks: /^KS(109|142|145)$/,
    when: ({ ks, path }) =>
      ks === 'KS145' ||
      path.some((node) => /^(JoinOnClause|Project(Away|Keep|Rename|Reorder)Operator)$/.test(kindOf(node))),
    code: 'SEM0100',
    text: (complaint) => `${within(complaint)}Failed to resolve column named '${named(complaint)}'`,
  },
  {
    ks: /^KS142$/,
    when: (complaint) => isCompared(complaint) || isArgumentOfPlugin(complaint),
    code: 'SEM0100',
    text: (complaint) =>
      `${within(complaint)}Failed to resolve column or scalar expression named '${named(complaint)}'`,
  },
  {
    ks: /^KS142$/,
    code: 'SEM0100',
    text: (complaint) => `${within(complaint)}Failed to resolve scalar expression named '${named(complaint)}'`,
  },
  { ks: /^KS(122|123|143|211|236)$/, when: isInside(/CallExpression$/), code: 'SEM0260', text: unknownFunction },
  { ks: /^KS211$/, code: 'SEM0260', text: unknownFunction },
  { ks: /^KS124$/, text: ({ token }) => `plugin '${token.replace(/\(.*/s, '')}': plugin doesn't exist.` },
  { ks: /^KS(209|210|247|248|260|261)$/, code: 'SEM0100', text: ({ said }) => said },
  {
    ks: /^KS(117|119|120|121)$/,
    code: 'SEM0219',
    text: (complaint) =>
      `${calledFunction(complaint) || complaint.token}(): function expects ${arityOf(complaint)} argument(s)`,
  },
  {
    ks: /^KS106$/,
    when: hasSign(/^([<>]=?|==|!=|<>|!?between)$/),
    code: 'SEM0064',
    text: (complaint) => {
      const [left = '', right = ''] = operandsOf(complaint).types;
      return `Cannot compare values of types ${left} and ${right}. Try adding explicit casts`;
    },
  },
  {
    ks: /^KS106$/,
    when: (complaint) => hasSign(/^[-+*/%]$/)(complaint) && operandsOf(complaint).types.length === 2,
    code: 'SEM0001',
    text: (complaint) => {
      const [left, right] = operandsOf(complaint).types;
      return `Arithmetic expression cannot be carried-out between ${storageType(left)} and ${storageType(right)}`;
    },
  },
  { ks: /^KS106$/, when: hasSign(/^(=~|!~)$/), code: 'SEM0065', text: ({ said }) => said },
  { ks: /^KS106$/, when: hasSign(/contains|has|with|matches/), code: 'SEM0709', text: ({ said }) => said },
  {
    ks: /^KS116$/,
    when: isInside(/^SummarizeByClause$/),
    code: 'SEM0001',
    text: ({ token }) =>
      `Summarize group key '${token}' is of a 'dynamic' type. Please use an explicit cast (for example, 'summarize ... by tostring(${token})') as grouping by a 'dynamic' type is not supported.`,
  },
  {
    ks: /^KS116$/,
    when: isInside(/^SortOperator$/),
    code: 'SEM0480',
    text: () => "order operator: key can't be of dynamic type",
  },
  {
    ks: /^KS241$/,
    text: ({ token }) => `join key '${token}' is of a 'dynamic' type. Please use an explicit cast`,
  },
  {
    ks: /^KS182$/,
    when: isInside(/^(NotEqual|(Less|Greater)Than(OrEqual)?)Expression$/),
    text: () => 'join: Only equality is allowed in this context.',
  },
  { ks: /^KS182$/, text: () => 'join: for each left attribute, right attribute should be selected.' },
  { ks: /^KS183$/, text: () => 'join: both sides of equality should be column entities only.' },
  { ks: /^KS141$/, when: isInside(/^MvExpandOperator$/), code: 'SEM0447', text: ({ said }) => said },
  { ks: /^KS129$/, when: isCallOf(/^extract/), code: 'SEM0040', text: ({ said }) => said },
  { ks: /^KS108$/, code: 'SEM0085', text: () => 'tabular expression is not expected' },
  { ks: /^KS103$/, code: 'SEM0476', text: ({ said }) => said },
];

function unknownFunction({ token }: Complaint): string {
  return `Unknown function: '${token.replace(/\(.*/s, '')}'.`;
}

/** @returns the engine's code and words; those of the language service where the engine's are not known */
export function engineWords(complaint: Complaint): { readonly code?: string | undefined; readonly text: string } {
  const row = semanticWords.find(({ ks, when }) => ks.test(complaint.ks) && (when?.(complaint) ?? true));
  return row === undefined ? { text: complaint.said } : { code: row.code, text: row.text(complaint) };
}
