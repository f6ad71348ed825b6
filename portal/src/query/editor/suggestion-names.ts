/** Keeps what the editor's list of completions says of itself true, for those who hear it. The editor gives the row of the completion that is
 * chosen an id of its own (`suggest-aria-id:3`), while its list goes on naming it by another (`list_id_1_3`), and the field with the cursor
 * names a row that has scrolled away; a row that shows a line about its completion is called by its name alone.
 * @param editor what the editor and its list stand in
 * @returns ends it */
export function keepSuggestionsNamed(editor: HTMLElement): () => void {
  const mend = (): void => {
    const list = editor.querySelector<HTMLElement>('.suggest-widget [role=listbox]');
    if (list === null) return;
    // Rows come, go and are used again while it scrolls. Watched once, however often that is asked for.
    watching.observe(list, { subtree: true, childList: true, attributes: true, attributeFilter: [...told] });
    const row = list.querySelector<HTMLElement>('.monaco-list-row.focused');
    tell(list, 'aria-activedescendant', row?.id);
    const isOpen = list.closest('.suggest-widget.visible') !== null;
    const input = editor.querySelector<HTMLElement>('textarea');
    if (input !== null) tell(input, 'aria-activedescendant', isOpen ? row?.id : undefined);
    if (row !== null) tell(row, 'aria-label', nameOf(row));
  };
  const watching = new MutationObserver(mend);
  watching.observe(editor, { subtree: true, attributes: true, attributeFilter: ['aria-activedescendant'] });
  return () => watching.disconnect();
}

/** What changes when another completion is chosen, or a row is drawn anew. */
const told = ['aria-activedescendant', 'aria-label', 'class', 'id'] as const;

/** Its name, with all that is to be read in the row: in the document both stand as one word, which they are not. */
function nameOf(row: HTMLElement): string {
  const name = row.getAttribute('aria-label') ?? '';
  const about = row.querySelector<HTMLElement>('.details-label');
  if (about === null || about.offsetParent === null || about.innerText.trim() === '') return name;
  if (!about.textContent.startsWith(' ')) about.prepend(' ');
  const seen = about.textContent.trim();
  return name.includes(seen) ? name : `${name} ${seen}`;
}

/** Changes nothing where nothing is new: each change is told to who watches. */
export function tell(element: Element, attribute: string, value: string | undefined): void {
  if (value === undefined) element.removeAttribute(attribute);
  else if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
}
