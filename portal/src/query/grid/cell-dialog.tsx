import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  tokens,
} from '@fluentui/react-components';
import type { Cell, Column } from '../answer/answer.ts';
import { cellText } from '../answer/cell-text.ts';
import { exactText } from '../answer/exact-json.ts';

const useStyles = makeStyles({
  text: {
    margin: 0,
    maxHeight: '60vh',
    overflow: 'auto',
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
    padding: tokens.spacingHorizontalS,
    backgroundColor: tokens.colorNeutralBackground3,
  },
});

/** All of one cell: JSON laid out, long texts in full. */
export function CellDialog(props: { readonly column: Column; readonly cell: Cell; readonly onClose: () => void }) {
  const { column, cell, onClose } = props;
  const styles = useStyles();
  const text = cell !== null && typeof cell === 'object' ? exactText(cell, 2) : cellText(cell, column.type);
  return (
    <Dialog open onOpenChange={(_, { open }) => !open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{`${column.name}: ${column.type}`}</DialogTitle>
          <DialogContent>
            <pre className={styles.text} tabIndex={0}>
              {cell === null ? 'null' : text}
            </pre>
          </DialogContent>
          <DialogActions>
            <Button onClick={() => void navigator.clipboard.writeText(text)}>Copy</Button>
            <Button appearance="primary" onClick={onClose}>
              Close
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
