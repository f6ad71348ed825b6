/** A block of code of a page, and the block with its output that follows it. */
export interface Snippet {
  /** The info string of its fence: `bash`, `ts`, `python`. */
  readonly language: string;
  readonly code: string;
  /** Undefined where no `text` block follows at once. */
  readonly output: string | undefined;
  /** Where the lines of the output begin and end in the page, from 0, the end excluded. */
  readonly outputLines: readonly [number, number];
  /** The heading that it stands under. */
  readonly heading: string;
}

interface Block {
  readonly info: string;
  readonly lines: readonly [number, number];
  readonly heading: string;
}

/** Every fenced block of code, in order. Fences stand at the beginning of a line and have three backticks. */
export function snippetsOf(page: string): readonly Snippet[] {
  const lines = page.split('\n');
  const text = ([begin, end]: readonly [number, number]): string => lines.slice(begin, end).join('\n');
  const blocks = blocksOf(lines);
  return blocks.flatMap((block, index) => {
    if (block.info === 'text') return [];
    const next = blocks[index + 1];
    const isItsOutput =
      next?.info === 'text' && lines.slice(block.lines[1] + 1, next.lines[0] - 1).every((line) => line === '');
    const output = isItsOutput ? text(next.lines) : undefined;
    const outputLines = isItsOutput ? next.lines : ([0, 0] as const);
    return [{ language: block.info, code: text(block.lines), heading: block.heading, output, outputLines }];
  });
}

function blocksOf(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  let open: { readonly info: string; readonly begin: number } | undefined;
  let heading = '';
  for (const [index, line] of lines.entries()) {
    if (open === undefined && line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (!line.startsWith('```')) continue;
    if (open === undefined) open = { info: line.slice(3), begin: index + 1 };
    else {
      blocks.push({ info: open.info, lines: [open.begin, index], heading });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`The block that begins in line ${open.begin} has no end.`);
  return blocks;
}

/** What differs from run to run: ids, versions of keys, times and how long things take. */
export const masked = (output: string): string =>
  output
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, 'GUID')
    .replaceAll(/\b[0-9a-f]{32}\b/gi, 'VERSION')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .trimEnd();

/** The page with these outputs in place of its own. @param outputs by snippet; a snippet without one keeps what it has */
export function withOutputs(page: string, outputs: ReadonlyMap<Snippet, string>): string {
  const lines = page.split('\n');
  const last = [...outputs].toSorted(([a], [b]) => b.outputLines[0] - a.outputLines[0]);
  for (const [{ outputLines, output }, found] of last) {
    if (output === undefined) continue;
    lines.splice(outputLines[0], outputLines[1] - outputLines[0], ...found.trimEnd().split('\n'));
  }
  return lines.join('\n');
}
