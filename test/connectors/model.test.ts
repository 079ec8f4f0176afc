import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError, type ModelRequest } from '../../src/connectors/connector.js';
import { modelConnector } from '../../src/connectors/model/model.js';
import { type FakeModel, type ModelBehaviour, startFakeModel } from '../support/fake-model.js';

const request: ModelRequest = { model: null, messages: [{ role: 'user', content: 'Hello?' }] };
let model: FakeModel;
beforeAll(async () => {
  model = await startFakeModel();
});
afterAll(() => model.close());
beforeEach(() => {
  model.asked.length = 0;
  model.behave({ answer: 'Hello!' });
});

const ask = (url = model.url) =>
  modelConnector({ url, defaultModel: 'small', apiKey: 'secret', timeoutMs: 500 }).send(request, {
    idempotencyKey: 'eff_1',
  });
const failure = async (asking: Promise<unknown>): Promise<ConnectorError> => {
  const error = await asking.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectorError)) throw new Error(`not a ConnectorError: ${error}`);
  return error;
};

describe('the model connector', () => {
  it('asks by the chat-completions protocol and gives the answer back', async () => {
    const answer = { captured: false, file: null, text: 'Hello!', model: 'small', finishReason: 'stop' };
    expect(await ask()).toEqual(answer);
    const [asked] = model.asked;
    expect(asked?.path).toBe('/v1/chat/completions');
    expect(asked?.body).toEqual({ model: 'small', messages: request.messages });
    expect(asked?.headers).toMatchObject({ authorization: 'Bearer secret', 'idempotency-key': 'eff_1' });
  });

  it.each<[string, ModelBehaviour, string]>([
    ['too many requests', { status: 429, headers: { 'retry-after': '7' } }, 'not-sent'],
    ['not available', { status: 503 }, 'not-sent'],
    ['a bad key', { status: 401 }, 'refused'],
    ['a bad request', { status: 400 }, 'refused'],
    ['a defect of the server', { status: 500 }, 'unknown'],
    ['a lost connection', 'drop', 'unknown'],
    ['no answer in time', 'hang', 'unknown'],
    ['an answer that is no JSON', { body: '<html>' }, 'refused'],
    ['an answer without choices', { body: '{"choices":[]}' }, 'refused'],
    ['an answer beyond the bound', { body: `"${'x'.repeat(1024 * 1024)}"` }, 'refused'],
  ])('knows what became of %s', async (_, behaviour, outcome) => {
    model.behave(behaviour);
    const error = await failure(ask());
    expect(error.outcome).toBe(outcome);
    expect(error.message).not.toMatch(/secret|127\.0\.0\.1/);
    expect(error.retryAfterMs).toBe(typeof behaviour === 'object' && 'headers' in behaviour ? 7000 : null);
  });

  it('knows that nothing was asked when nobody listens', async () => {
    const gone = await startFakeModel();
    await gone.close();
    expect((await failure(ask(gone.url))).outcome).toBe('not-sent');
  });
});
