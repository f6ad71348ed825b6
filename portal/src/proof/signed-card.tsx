import { Button, makeStyles, MessageBar, MessageBarBody, Text, tokens } from '@fluentui/react-components';
import { useRef, useState } from 'react';
import { proofKey } from '../api/proof.ts';
import { Card } from '../shell/card.tsx';
import { useAnswer } from '../shell/use-answer.ts';
import type { CheckedProof } from './check-signature.ts';
import { checkSignature } from './check-signature.ts';

const useStyles = makeStyles({
  code: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200, overflowWrap: 'anywhere' },
});

const bytesMax = 64 * 1024 * 1024;
const intents = { valid: 'success', notValid: 'error', notChecked: 'warning' } as const;

/** The signed document: how it is made, and whether one is as it was signed. */
export function SignedCard() {
  const styles = useStyles();
  const { value: signer } = useAnswer(proofKey);
  const [checked, setChecked] = useState<CheckedProof>();
  const chooser = useRef<HTMLInputElement>(null);
  const check = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    setChecked(
      file.size > bytesMax
        ? { state: 'notChecked', text: 'It is too long for a browser: use kustody proof verify FILE.' }
        : await checkSignature(await file.text()),
    );
  };
  return (
    <Card title="Signed, for others">
      <Text>The document with the history of the keys, signed by this instance, is made where the data lies:</Text>
      <code className={styles.code}>kustody proof --canary TEXT --json &gt; proof.json --html proof.html</code>
      {signer !== undefined && (
        <Text>
          Fingerprint of this instance: <code className={styles.code}>{signer.fingerprint}</code>
        </Text>
      )}
      <div>
        <Button onClick={() => chooser.current?.click()}>Check a proof.json …</Button>
        <input
          ref={chooser}
          hidden
          type="file"
          accept=".json"
          aria-label="Proof to check"
          onChange={({ target }) => {
            void check(target.files?.[0]);
            target.value = '';
          }}
        />
      </div>
      {checked !== undefined && (
        <MessageBar intent={intents[checked.state]} layout="multiline" data-testid="signature">
          <MessageBarBody style={{ overflowWrap: 'anywhere' }}>
            {checked.state === 'notValid' ? 'NOT VALID: ' : ''}
            {checked.text} {signerText(checked.fingerprint, signer?.fingerprint)}
          </MessageBarBody>
        </MessageBar>
      )}
    </Card>
  );
}

function signerText(found: string | undefined, own: string | undefined): string {
  if (found === undefined) return '';
  return found === own ? 'It names this instance as its signer.' : `It names another signer: fingerprint ${found}.`;
}
