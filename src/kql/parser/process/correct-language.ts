import { correctBinder } from './binder/corrections.ts';
import { seekPartialCommandsOnRequest } from './language/partial-commands.ts';
import { correctCommandNames } from './language/command-names.ts';
import { askCommandsByTheirWords } from './language/command-words.ts';
import { shortenRuntime } from './language/runtime-shortcuts.ts';
import { assertConstructors } from './binder/global-state.ts';

/** What is set right in the official parser once its files have run: the same in a plain start and in a start-up snapshot. */
export function correctLanguage(): void {
  shortenRuntime();
  assertConstructors();
  correctBinder();
  correctCommandNames();
  seekPartialCommandsOnRequest();
  askCommandsByTheirWords();
}
