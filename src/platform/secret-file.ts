// The master secret of a server that runs on the embedded database and was given none: made once, kept beside the data,
// readable by its owner alone. Two processes that start together end with the same secret.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from './errors.js';

const NAME = 'secret';
const REMEDY = 'or set SALLYPORT_SECRET';

/** Base64 of 32 random bytes, the same on every call for one folder. Throws ConfigurationError with the remedy. */
export const loadOrCreateSecretFile = (dataDir: string): string => {
  const file = join(dataDir, NAME);
  const found = read(file);
  if (found !== null) return found;
  create(dataDir, file);
  const made = read(file);
  if (made === null) throw new ConfigurationError(`${file} vanished while it was made; start again, ${REMEDY}`);
  return made;
};

const read = (file: string): string | null => {
  let descriptor: number;
  try {
    // A link could lead to a file that others may write.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new ConfigurationError(`${file} cannot be read (${codeOf(error)}); make it a file you own, ${REMEDY}`);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new ConfigurationError(`${file} is not a file; remove it, ${REMEDY}`);
    if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8);
      throw new ConfigurationError(`${file} may be read by others (mode ${mode}); run: chmod 600 ${file}`);
    }
    const text = readFileSync(descriptor, 'utf8').trim();
    if (Buffer.from(text, 'base64').length < 32) {
      throw new ConfigurationError(`${file} is damaged; restore it from a backup, ${REMEDY}`);
    }
    return text;
  } finally {
    closeSync(descriptor);
  }
};

/** Written whole under another name, then given its own unless it exists: nobody ever reads half a secret. */
const create = (dataDir: string, file: string): void => {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const descriptor = openSync(draft, 'wx', 0o600);
    try {
      writeSync(descriptor, `${randomBytes(32).toString('base64')}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    publish(draft, file);
  } catch (error) {
    throw new ConfigurationError(
      `DATA_DIR ${dataDir} cannot be written (${codeOf(error)}); make it writable, ${REMEDY}`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
};

const publish = (draft: string, file: string): void => {
  try {
    linkSync(draft, file);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    // Some file systems know no hard links.
    copyFileSync(draft, file, constants.COPYFILE_EXCL);
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
