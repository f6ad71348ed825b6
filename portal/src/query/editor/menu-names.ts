import { tell } from './suggestion-names.ts';

/** Mends what the editor's menu and its palette of commands say of themselves, for those who hear them: every entry of the menu claims to be
 * checked or not, its lines are boxes to check, and stops for the focus lie beside the entries; the palette's bar of progress has no name, and
 * a command and its keys stand as one word.
 * @param editor what the editor, its menus and its palette stand in
 * @returns ends it */
export function keepMenusNamed(editor: HTMLElement): () => void {
  const hosts = editor.getElementsByClassName('shadow-root-host');
  const palettes = editor.getElementsByClassName('quick-input-widget');
  const mend = (): void => {
    for (const { shadowRoot } of hosts) {
      if (shadowRoot === null) continue;
      // Nothing is told of it outside. Watched once, however often that is asked for.
      watching.observe(shadowRoot, changes);
      mendMenus(shadowRoot);
    }
    for (const palette of palettes) mendPalette(palette);
  };
  const watching = new MutationObserver(mend);
  watching.observe(editor, changes);
  return () => watching.disconnect();
}

/** What the editor writes anew when an entry is drawn, or another one is chosen. */
const changes = { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-checked', 'aria-label', 'tabindex'] }; // prettier-ignore

function mendMenus(menu: ShadowRoot): void {
  // Which of these has a mark is told by its role alone: `menuitemcheckbox`.
  for (const entry of menu.querySelectorAll('[role=menuitem][aria-checked]')) tell(entry, 'aria-checked', undefined);
  for (const line of menu.querySelectorAll('.action-label.separator')) {
    tell(line, 'role', 'separator');
    for (const attribute of ['aria-checked', 'aria-disabled', 'aria-label']) tell(line, attribute, undefined);
  }
  for (const place of menu.querySelectorAll('[role=presentation][tabindex]')) tell(place, 'tabindex', undefined);
}

function mendPalette(palette: Element): void {
  for (const bar of palette.querySelectorAll('[role=progressbar]')) tell(bar, 'aria-label', 'Looking for commands');
  for (const row of palette.querySelectorAll('.monaco-list-row')) {
    const seen = [...row.querySelectorAll<HTMLElement>(parts)].filter(({ textContent }) => textContent.trim() !== '');
    for (const part of seen.slice(1)) if (!part.textContent.startsWith(' ')) part.prepend(' ');
    tell(row, 'aria-label', seen.map(({ textContent }) => textContent.trim()).join(', '));
  }
}

/** A command, its keys, and above some: what they have in common. */
const parts = '.monaco-icon-label, .quick-input-list-entry-keybinding, .quick-input-list-separator';
