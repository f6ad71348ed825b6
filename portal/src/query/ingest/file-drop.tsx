import { makeStyles, ToolbarButton } from '@fluentui/react-components';
import { ArrowUploadRegular } from '@fluentui/react-icons';
import type { DragEvent, ReactNode } from 'react';
import { useRef, useState } from 'react';
import type { Where } from '../../api/kusto.ts';
import type { TableSchema } from '../use-database-schema.ts';
import { IngestDialog } from './ingest-dialog.tsx';

const useStyles = makeStyles({
  hidden: { position: 'absolute', width: '1px', height: '1px', overflow: 'hidden', clipPath: 'inset(50%)' },
});

/** A button that chooses a file, for whoever drags none. */
export function FileButton({
  choose,
  disabled,
}: {
  readonly choose: (file: File) => void;
  readonly disabled: boolean;
}) {
  const styles = useStyles();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <ToolbarButton icon={<ArrowUploadRegular />} disabled={disabled} onClick={() => input.current?.click()}>
        Ingest file
      </ToolbarButton>
      <input
        ref={input}
        type="file"
        className={styles.hidden}
        tabIndex={-1}
        aria-hidden
        onChange={({ target }) => {
          const file = target.files?.[0];
          target.value = ''; // the same one may be chosen again
          if (file !== undefined) choose(file);
        }}
      />
    </>
  );
}

interface FileDropProps {
  readonly className: string;
  readonly where: Where;
  readonly tables: Readonly<Record<string, TableSchema>> | undefined;
  /** Rows are in: there may be another table. */
  readonly ingested: () => void;
  /** @param choose opens a file as one that was dropped is */
  readonly children: (choose: (file: File) => void) => ReactNode;
}

/** Takes one file that is dropped on it. */
export function FileDrop({ className, where, tables, ingested, children }: FileDropProps) {
  const [file, setFile] = useState<File>();
  const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer.types.includes('Files');
  return (
    <div
      className={className}
      onDragOver={(event) => {
        if (hasFiles(event)) event.preventDefault();
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault(); // the browser would leave the page for it
        const [dropped] = event.dataTransfer.files;
        if (where.host !== '') setFile(dropped);
      }}
    >
      {children(setFile)}
      {file !== undefined && (
        <IngestDialog
          key={`${file.name} ${String(file.size)} ${String(file.lastModified)}`}
          file={file}
          where={where}
          tables={tables ?? {}}
          close={() => setFile(undefined)}
          done={ingested}
        />
      )}
    </div>
  );
}
