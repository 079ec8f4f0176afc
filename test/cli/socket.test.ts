import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askServer, NobodyThere, type OpenSocket, openSocket, socketPath } from '../../src/cli/socket.js';
import { badInput, CodedError, ConfigurationError } from '../../src/platform/errors.js';

let dataDir: string;
let open: OpenSocket | null;
let logged: object[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sallyport-socket-'));
  open = null;
  logged = [];
});
afterEach(async () => {
  await open?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

const listen = async (run: (operation: string, input: unknown) => Promise<unknown>): Promise<void> => {
  open = await openSocket({ dataDir, run, log: { error: (facts) => logged.push(facts) } });
};

/** Whatever comes back for these bytes. */
const send = (bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = createConnection(socketPath(dataDir), () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });

describe('the socket of a running server', () => {
  it('carries an operation there and its answer back', async () => {
    await listen(async (operation, input) => ({ operation, input }));
    const input = { name: 'Zoë\n', list: ['a'.repeat(20_000)], none: null };
    expect(await askServer(dataDir, 'keys.create', input)).toEqual({ operation: 'keys.create', input });
  });

  it('carries refusals back as what they are, and nothing of a defect', async () => {
    const thrown = [badInput('No.', 'name'), new ConfigurationError('Mend it.'), new Error('postgresql://me:hunter2@')];
    await listen(async () => {
      throw thrown.shift();
    });
    await expect(askServer(dataDir, 'x', {})).rejects.toEqual(
      new CodedError('BAD_USER_INPUT', 'No.', { field: 'name' }),
    );
    await expect(askServer(dataDir, 'x', {})).rejects.toEqual(new ConfigurationError('Mend it.'));
    const defect = await askServer(dataDir, 'x', {}).catch((error: Error) => error);
    expect(defect).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
    expect(String(defect)).not.toContain('hunter2');
    expect(logged).toHaveLength(1);
  });

  it.each([
    ['what is not JSON', '{\n', 'not JSON'],
    ['no operation', '{"input":{}}\n', 'names its operation'],
    ['null', 'null\n', 'names its operation'],
    ['a line without an end', 'a'.repeat(1_100_000), 'at most 1048576 bytes'],
    ['a line that is too long', `${JSON.stringify({ operation: 'a'.repeat(1_100_000) })}\n`, 'at most 1048576 bytes'],
  ])('refuses %s, and runs nothing', async (_, bytes, words) => {
    let ran = 0;
    await listen(async () => {
      ran++;
    });
    const answer = await send(bytes);
    expect(JSON.parse(answer)).toMatchObject({ error: { code: 'BAD_USER_INPUT' } });
    expect(answer).toContain(words);
    expect(ran).toBe(0);
  });

  it('is for its owner alone from the moment it exists, and replaces one that was left behind', async () => {
    writeFileSync(socketPath(dataDir), 'left behind', { mode: 0o666 });
    const before = process.umask();
    await listen(async () => 'here');
    expect(statSync(socketPath(dataDir)).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(before);
    expect(await askServer(dataDir, 'x', {})).toBe('here');
  });

  it('lets a running operation answer when it closes, and then nobody is there', async () => {
    let finish: (value: string) => void = () => undefined;
    let isRunning: () => void = () => undefined;
    const started = new Promise<void>((resolve) => {
      isRunning = resolve;
    });
    await listen(() => {
      isRunning();
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    const answer = askServer(dataDir, 'x', {});
    await started;
    const closed = open?.close();
    await expect(askServer(dataDir, 'x', {})).rejects.toThrow(NobodyThere);
    finish('done');
    expect(await answer).toBe('done');
    await closed;
  });

  it('says in one line when the path of the folder is too long for a socket', () => {
    const long = join(dataDir, 'a'.repeat(100));
    expect(() => socketPath(long)).toThrow(
      /^DATA_DIR: [^\n]+ is too long for a unix socket \(\d+ bytes, at most 103\)/,
    );
  });
});
