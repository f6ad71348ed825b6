import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Page } from './portal-browser.ts';

/** Of poppler-utils. */
const reader = '/usr/bin/pdftotext';

/** Whether PDF can be read here. In CI it has to be. */
export const pdfCanBeRead = existsSync(reader) || process.env['CI'] !== undefined;

export interface Word {
  readonly text: string;
  /** In points, from the upper left corner. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly words: readonly Word[];
}

interface Printed {
  readonly sheets: readonly Sheet[];
  /** All of it in the order in which it was painted, without blanks, which do not tell where a line ends. */
  readonly text: string;
}

/** The page as the browser prints it. */
export async function printed(page: Page): Promise<Printed> {
  const pdf = await page.pdf({ format: 'A4' });
  const read = (...how: readonly string[]): string =>
    execFileSync(reader, [...how, '-', '-'], { input: pdf, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const sheets = read('-bbox')
    .split('<page ')
    .slice(1)
    .map((sheet): Sheet => {
      const [width = 0, height = 0] = numbersIn(sheet.slice(0, sheet.indexOf('>')));
      const words = [...sheet.matchAll(/<word ([^>]*)>(.*?)<\/word>/g)].map(([, where = '', text = '']): Word => {
        const [left = 0, top = 0, right = 0, bottom = 0] = numbersIn(where);
        return { ...{ text, left, top, right, bottom } };
      });
      return { width, height, words };
    });
  return { sheets, text: withoutBlanks(read('-raw', '-nopgbrk')) };
}

const numbersIn = (text: string): number[] => [...text.matchAll(/"([\d.]+)"/g)].map(([, number]) => Number(number));

/** Soft hyphens, breaks of lines and spaces are none of the text; ligatures are their letters. */
export const withoutBlanks = (text: string): string => text.normalize('NFKC').replaceAll(/\s/g, '');
