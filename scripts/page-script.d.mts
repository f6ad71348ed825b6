/** One block of commands of a page. */
export interface Block {
  readonly code: string;
  /** Which exit code the last command has. */
  readonly exit: number;
}
export declare function blocksOf(page: string): Block[];
export declare function typed(blocks: readonly Block[], kustody: string): string;
export declare function filesShown(page: string): Map<string, string>;
