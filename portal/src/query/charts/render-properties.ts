/** What `render` asked for. Names of columns are as the query wrote them; absent means that the drawer chooses. */
export interface RenderProperties {
  /** In lower case: `timechart`. */
  readonly visualization: string;
  /** `default`, `unstacked`, `stacked`, `stacked100` or `map`. */
  readonly kind: string;
  readonly title?: string;
  readonly xColumn?: string;
  readonly series: readonly string[];
  readonly yColumns: readonly string[];
  readonly anomalyColumns: readonly string[];
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly legendHidden: boolean;
  readonly ySplit: 'none' | 'axes' | 'panels';
  readonly accumulate: boolean;
  readonly yMin?: number;
  readonly yMax?: number;
  readonly xMin?: number;
  readonly xMax?: number;
}

/** Reads the bag `Visualization` of `@ExtendedProperties`: every key is there, most are null, and limits that were not given are "NaN". */
export function readRenderProperties(bag: Readonly<Record<string, unknown>>): RenderProperties {
  const one = (name: string): string | undefined => {
    const value = bag[name];
    return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
  };
  const word = (name: string): string => one(name)?.toLowerCase() ?? '';
  const many = (name: string): string[] => {
    const value = bag[name];
    const names = Array.isArray(value) ? value.map(String) : (one(name)?.split(',') ?? []);
    return names.map((text) => text.trim()).filter((text) => text !== '');
  };
  const split = word('YSplit');
  const given = {
    ...{ title: one('Title'), xColumn: one('XColumn'), xTitle: one('XTitle'), yTitle: one('YTitle') },
    ...{ yMin: limit(bag['Ymin']), yMax: limit(bag['Ymax']), xMin: limit(bag['Xmin']), xMax: limit(bag['Xmax']) },
  };
  return {
    visualization: word('Visualization') || 'table',
    kind: word('Kind') || 'default',
    ...{ series: many('Series'), yColumns: many('YColumns'), anomalyColumns: many('AnomalyColumns') },
    ...{ xLog: word('XAxis') === 'log', yLog: word('YAxis') === 'log', legendHidden: word('Legend') === 'hidden' },
    ySplit: split === 'axes' || split === 'panels' ? split : 'none',
    accumulate: bag['Accumulate'] === true || word('Accumulate') === 'true',
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<typeof given>),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function limit(value: unknown): number | undefined {
  const number = typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : NaN;
  return Number.isFinite(number) ? number : undefined;
}
