import { spawn } from 'node:child_process';
import { randomBytes, sign, verify } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/platform/errors.js';
import { loadOrCreateSecretFile } from '../../src/platform/secret-file.js';
import { auditKeyFromSeed, openSecrets, SECRET_PURPOSES } from '../../src/platform/secrets.js';

const master = (): string => randomBytes(32).toString('base64');

const messageOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return '';
};

describe('openSecrets', () => {
  it('gives each purpose a key of its own, the same each time', () => {
    const current = master();
    const [once, again] = [openSecrets({ current }), openSecrets({ current })];
    const keys = SECRET_PURPOSES.map((purpose) => once[purpose][0]);
    expect(new Set([current, ...keys.map((key) => key.toString('base64'))]).size).toBe(SECRET_PURPOSES.length + 1);
    for (const purpose of SECRET_PURPOSES) {
      expect(once[purpose]).toEqual(again[purpose]);
      expect(once[purpose]).toHaveLength(1);
      expect(once[purpose][0]).toHaveLength(32);
    }
  });

  it('lists the current one first and the previous one behind it', () => {
    const [current, previous] = [master(), master()];
    const rotated = openSecrets({ current, previous });
    for (const purpose of SECRET_PURPOSES) {
      expect(rotated[purpose]).toEqual([
        openSecrets({ current })[purpose][0],
        openSecrets({ current: previous })[purpose][0],
      ]);
    }
    expect(rotated.auditKeys.map(({ keyId }) => keyId)).toEqual([
      openSecrets({ current }).auditKeys[0].keyId,
      openSecrets({ current: previous }).auditKeys[0].keyId,
    ]);
  });

  it('takes base64url and a line break as well', () => {
    const bytes = Buffer.alloc(33, 0xfb);
    const one = openSecrets({ current: bytes.toString('base64') });
    const two = openSecrets({ current: `${bytes.toString('base64url')}\n`, previous: null });
    expect(two.cookies).toEqual(one.cookies);
  });

  it.each([
    ['', /SALLYPORT_SECRET is not base64/],
    ['correct horse battery staple correct horse', /SALLYPORT_SECRET is not base64/],
    [randomBytes(31).toString('base64'), /SALLYPORT_SECRET holds 31 bytes, at least 32/],
  ])('refuses a weak one with one line and a remedy (%#)', (current, cause) => {
    const message = messageOf(() => openSecrets({ current }));
    expect(message).toMatch(cause);
    expect(message).toContain('openssl rand -base64 32');
    expect(message).not.toContain('\n');
    if (current !== '') expect(message).not.toContain(current);
  });

  it('names the previous one when that is at fault', () => {
    expect(messageOf(() => openSecrets({ current: master(), previous: 'short' }))).toContain(
      'SALLYPORT_SECRET_PREVIOUS',
    );
  });
});

describe('the audit key', () => {
  // RFC 8032, 7.1
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
  ])('of the seed %s agrees with the vector', (seed, publicKey, message, signature) => {
    const pair = auditKeyFromSeed(Buffer.from(seed, 'hex'));
    expect(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')).toBe(publicKey);
    expect(sign(null, Buffer.from(message, 'hex'), pair.privateKey).toString('hex')).toBe(signature);
    expect(pair.keyId).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is the same each time, and signs what its public half verifies', () => {
    const current = master();
    const [key] = openSecrets({ current }).auditKeys;
    const signature = sign(null, Buffer.from('checkpoint'), key.privateKey);
    expect(verify(null, Buffer.from('checkpoint'), openSecrets({ current }).auditKeys[0].publicKey, signature)).toBe(
      true,
    );
    expect(verify(null, Buffer.from('another'), key.publicKey, signature)).toBe(false);
  });
});

describe('the secret file', () => {
  let parent: string;
  let dir: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'sallyport-secret-'));
    dir = join(parent, 'data');
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it('is made once, for its owner alone, and nothing is left beside it', () => {
    const made = loadOrCreateSecretFile(dir);
    expect(Buffer.from(made, 'base64')).toHaveLength(32);
    expect(loadOrCreateSecretFile(dir)).toBe(made);
    expect(statSync(join(dir, 'secret')).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(['secret']);
    expect(() => openSecrets({ current: made })).not.toThrow();
  });

  it('is the same for processes that start together', async () => {
    const module = new URL('../../src/platform/secret-file.ts', import.meta.url).href;
    const script = `
      const { build } = await import('esbuild');
      const { outputFiles } = await build({ entryPoints: [new URL(${JSON.stringify(module)}).pathname], bundle: true, write: false, platform: 'node', format: 'esm' });
      const { loadOrCreateSecretFile } = await import('data:text/javascript;base64,' + Buffer.from(outputFiles[0].contents).toString('base64'));
      while (Date.now() < Number(process.argv[1])) {}
      process.stdout.write(loadOrCreateSecretFile(process.argv[2]));`;
    const at = String(Date.now() + 2_000);
    const run = () =>
      new Promise<string>((resolve, reject) => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script, at, dir]);
        let out = '';
        let err = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.stderr.on('data', (chunk) => {
          err += chunk;
        });
        child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(err))));
      });
    const secrets = await Promise.all([run(), run(), run(), run()]);
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).toBe(loadOrCreateSecretFile(dir));
    expect(readdirSync(dir)).toEqual(['secret']);
  }, 30_000);

  it.each([0o640, 0o604, 0o644, 0o666])('that others may read (%o) is refused with the command that helps', (mode) => {
    loadOrCreateSecretFile(dir);
    const file = join(dir, 'secret');
    chmodSync(file, mode);
    expect(messageOf(() => loadOrCreateSecretFile(dir))).toBe(
      `${file} may be read by others (mode ${mode.toString(8)}); run: chmod 600 ${file}`,
    );
  });

  it('that is damaged is not replaced', () => {
    mkdirSync(dir);
    writeFileSync(join(dir, 'secret'), 'short\n', { mode: 0o600 });
    expect(messageOf(() => loadOrCreateSecretFile(dir))).toContain('damaged');
  });

  it('that is a link or a folder is refused', () => {
    mkdirSync(join(dir, 'secret'), { recursive: true });
    expect(messageOf(() => loadOrCreateSecretFile(dir))).toContain('not a file');
    rmSync(join(dir, 'secret'), { recursive: true });
    symlinkSync(join(parent, 'elsewhere'), join(dir, 'secret'));
    expect(messageOf(() => loadOrCreateSecretFile(dir))).toContain('cannot be read');
    expect(existsSync(join(parent, 'elsewhere'))).toBe(false);
  });

  it('in a folder that cannot be made is a readable refusal', () => {
    writeFileSync(join(parent, 'file'), '');
    expect(messageOf(() => loadOrCreateSecretFile(join(parent, 'file', 'data')))).toMatch(/SALLYPORT_SECRET$/);
  });
});
