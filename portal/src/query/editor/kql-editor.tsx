import { Button, makeStyles, MessageBar, MessageBarActions, MessageBarBody, tokens } from '@fluentui/react-components';
import type { RefObject } from 'react';
import { useEffect, useImperativeHandle, useRef, useState } from 'react';
import type { Scheme } from '../../shell/color-scheme.ts';
import type { ClusterSchema } from '../use-database-schema.ts';
import { useAbsentWorkers } from './loaded-worker.ts';
import type { Statement } from './statement.ts';
import { statementAt } from './statement.ts';
import { monaco, themeNames, useSchema as tellSchema } from './monaco.ts';
import { keepMenusNamed } from './menu-names.ts';
import { keepSuggestionsNamed } from './suggestion-names.ts';

const useStyles = makeStyles({
  frame: { display: 'flex', flexDirection: 'column', height: '100%' },
  editor: { flexGrow: 1, minHeight: '120px', border: `1px solid ${tokens.colorNeutralStroke1}` },
});

export interface KqlEditorHandle {
  /** What is selected, else what is around the cursor. */
  readonly statement: () => Statement | undefined;
  /** Marks a failure in the text, and shows it. */
  readonly mark: (at: { readonly line: number; readonly column: number }, message: string) => void;
  readonly insert: (text: string) => void;
  readonly format: () => void;
  readonly focus: () => void;
}

export interface KqlEditorProps {
  /** Each tab has a model of its own, with its own undo. */
  readonly tab: string;
  readonly text: string;
  readonly scheme: Scheme;
  readonly schema: ClusterSchema | undefined;
  readonly host: string;
  readonly database: string;
  readonly onChange: (text: string) => void;
  readonly onRun: () => void;
  readonly onReady: () => void;
  readonly handle: RefObject<KqlEditorHandle | null>;
}

/** Hovers are Markdown; in a fence a message is only text. */
const asText = (message: string): string => `\`\`\`text\n${message.replaceAll('`', "'")}\n\`\`\``;

/** The default export, since it is loaded when it is first needed. */
export default function KqlEditor(props: KqlEditorProps) {
  const styles = useStyles();
  const { tab, text, scheme, schema, host, database, handle } = props;
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<monaco.editor.IStandaloneCodeEditor>();
  /** Not a marker of the editor: the language service takes away whatever else looks like one when it reads a text again. */
  const failed = useRef<monaco.editor.IEditorDecorationsCollection | null>(null);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    if (place.current === null) return;
    const made = monaco.editor.create(place.current, {
      model: null,
      automaticLayout: true,
      ariaLabel: 'Query. Press Alt+F1 for help, Control+M to let Tab leave the editor.',
      fixedOverflowWidgets: true,
      folding: true,
      fontSize: 14,
      lineNumbersMinChars: 3,
      minimap: { enabled: false },
      padding: { top: 6 },
      renderLineHighlight: 'line',
      scrollBeyondLastLine: false,
      tabFocusMode: false,
      'semanticHighlighting.enabled': true,
    });
    made.addAction({
      id: 'kustody.run',
      label: 'Run the selection, or the statement at the cursor',
      keybindings: [monaco.KeyMod.Shift | monaco.KeyCode.Enter, monaco.KeyCode.F5],
      contextMenuGroupId: 'navigation',
      run: () => latest.current.onRun(),
    });
    failed.current = made.createDecorationsCollection();
    const endings = [keepSuggestionsNamed(place.current), keepMenusNamed(place.current)];
    setEditor(made);
    latest.current.onReady();
    return () => {
      for (const end of endings) end();
      made.dispose();
      for (const model of monaco.editor.getModels()) model.dispose();
    };
  }, []);

  useEffect(() => {
    if (editor === undefined) return;
    const uri = monaco.Uri.parse(`inmemory://kql/${tab}`);
    const model = monaco.editor.getModel(uri) ?? monaco.editor.createModel(latest.current.text, 'kusto', uri);
    editor.setModel(model);
    const listening = model.onDidChangeContent(() => {
      failed.current?.clear();
      latest.current.onChange(model.getValue());
    });
    return () => listening.dispose();
  }, [editor, tab]);

  useEffect(() => {
    const model = editor?.getModel();
    // A text from elsewhere: a link, the history. Typing has it already.
    if (model && model.getValue() !== text) model.setValue(text);
  }, [editor, text]);

  useEffect(() => monaco.editor.setTheme(scheme === 'dark' ? themeNames.dark : themeNames.light), [scheme]);

  useEffect(() => {
    const model = editor?.getModel();
    if (model && schema !== undefined) void tellSchema(model, schema, host, database);
  }, [editor, schema, host, database]);

  useImperativeHandle(
    handle,
    (): KqlEditorHandle => ({
      statement: () => {
        const model = editor?.getModel();
        const selected = editor?.getSelection();
        if (!model || !selected) return undefined;
        if (selected.isEmpty()) return statementAt(model.getValue(), selected.startLineNumber);
        const { startLineNumber: line, startColumn: column } = selected;
        return { text: model.getValueInRange(selected), line, column };
      },
      mark: ({ line, column }, message) => {
        const model = editor?.getModel();
        if (!model) return;
        const at = model.validatePosition({ lineNumber: line, column });
        const end = model.getWordAtPosition(at)?.endColumn ?? at.column + 1;
        failed.current?.set([
          {
            range: new monaco.Range(at.lineNumber, at.column, at.lineNumber, Math.max(end, at.column + 1)),
            options: {
              className: 'kql-failure',
              hoverMessage: { value: asText(message) },
              overviewRuler: { color: '#d13438', position: monaco.editor.OverviewRulerLane.Right },
            },
          },
        ]);
        editor?.revealPositionInCenterIfOutsideViewport(at);
      },
      insert: (inserted) => {
        const selected = editor?.getSelection();
        if (editor === undefined || !selected) return;
        editor.executeEdits('explorer', [{ range: selected, text: inserted, forceMoveMarkers: true }]);
        editor.focus();
      },
      format: () => void editor?.getAction('editor.action.formatDocument')?.run(),
      focus: () => editor?.focus(),
    }),
    [editor],
  );
  const askForWorkers = useAbsentWorkers();
  return (
    <div className={styles.frame}>
      {askForWorkers !== undefined && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>A part of the editor did not come: it completes and marks nothing.</MessageBarBody>
          <MessageBarActions>
            <Button size="small" onClick={askForWorkers}>
              Load it again
            </Button>
          </MessageBarActions>
        </MessageBar>
      )}
      <div ref={place} className={styles.editor} data-testid="kql-editor" />
    </div>
  );
}
