'use strict';
// `node --require` this: RSA keys of 2048 bits are quick ones (`quick-rsa-pairs.cjs`), whatever asks Node.js for them. All else of the program
// is as it is. A server makes one at its start, and another for each key of a vault: each takes 0.2 s of a processor, a quarter of the start.
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');
const { promisify } = require('node:util');
const { quickPrivateKey } = require('./quick-rsa-pairs.cjs');

const { createPublicKey, generateKeyPair, webcrypto } = crypto;
/** The first key of 3072 bits would cost what a real one does, and few programs make a second. */
const isQuick = (bits) => bits === 2048;

async function quickPair() {
  const privateKey = await quickPrivateKey(2048);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const generated = promisify(generateKeyPair);
crypto.generateKeyPair = (type, options, done) => {
  if (type !== 'rsa' || !isQuick(options.modulusLength)) generateKeyPair(type, options, done);
  else quickPair().then(({ publicKey, privateKey }) => done(null, publicKey, privateKey), done);
};
crypto.generateKeyPair[promisify.custom] = (type, options) =>
  type === 'rsa' && isQuick(options.modulusLength) ? quickPair() : generated(type, options);
syncBuiltinESMExports();

const subtle = Object.getPrototypeOf(webcrypto.subtle);
const { generateKey } = subtle;
subtle.generateKey = async function (algorithm, extractable, uses) {
  const { name, hash, modulusLength } = algorithm;
  if (!/^RSA/.test(name) || !isQuick(modulusLength)) return generateKey.call(this, algorithm, extractable, uses);
  const pair = await quickPair();
  const half = (format, key, isExtractable, use) =>
    this.importKey(format, key.export({ format: 'der', type: format }), { name, hash }, isExtractable, use);
  const ofPrivate = ['sign', 'decrypt', 'unwrapKey'];
  const [privateKey, publicKey] = await Promise.all([
    half(
      'pkcs8',
      pair.privateKey,
      extractable,
      uses.filter((use) => ofPrivate.includes(use)),
    ),
    half(
      'spki',
      pair.publicKey,
      true,
      uses.filter((use) => !ofPrivate.includes(use)),
    ),
  ]);
  return { privateKey, publicKey };
};
