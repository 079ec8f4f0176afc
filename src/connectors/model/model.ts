// Asks a language model by the OpenAI-compatible chat-completions protocol: one POST, one JSON answer, read up to a bound.
// Such servers promise nothing about repeats, so an answer that was lost on the way is unknown and not asked for again.
import { z } from 'zod';
import { ConnectorError, type ModelConnector, type ModelRequest, type SendOptions } from '../connector.js';

export interface ModelOptions {
  /** Up to, without, `/chat/completions`. */
  readonly url: string;
  /** The model asked for when the request names none. */
  readonly defaultModel: string;
  readonly apiKey: string | null;
  readonly timeoutMs?: number;
}

const answerBytesMax = 1024 * 1024;

const completion = z.object({
  model: z.string().nullish(),
  choices: z
    .array(z.object({ message: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }))
    .min(1),
});

export const modelConnector = (options: ModelOptions): ModelConnector => ({
  name: 'model',
  takesIdempotencyKey: false,
  async send(request, sending) {
    const response = await post(options, request, sending);
    if (!response.ok) throw await statusFailure(response);
    const answer = completion.safeParse(parseJson(await readBounded(response)));
    if (!answer.success)
      throw new ConnectorError('refused', 'The model answered with something that is no chat completion.');
    const [choice] = answer.data.choices;
    return {
      captured: false,
      file: null,
      text: choice?.message.content ?? null,
      model: answer.data.model ?? request.model ?? options.defaultModel,
      finishReason: choice?.finish_reason ?? null,
    };
  },
});

async function post(
  options: ModelOptions,
  request: ModelRequest,
  { idempotencyKey, signal }: SendOptions,
): Promise<Response> {
  const limit = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  try {
    return await fetch(`${options.url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      redirect: 'error',
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'idempotency-key': idempotencyKey,
        ...(options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` }),
      },
      body: JSON.stringify({ model: request.model ?? options.defaultModel, messages: request.messages }),
    });
  } catch (cause) {
    throw networkFailure(cause);
  }
}

/** No connection was made, so nothing was asked. */
const beforeConnecting = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
]);

function networkFailure(cause: unknown): ConnectorError {
  const code =
    cause instanceof Error && cause.cause instanceof Error && 'code' in cause.cause ? String(cause.cause.code) : '';
  return beforeConnecting.has(code)
    ? new ConnectorError('not-sent', 'The model could not be reached.', { cause })
    : new ConnectorError('unknown', 'The connection to the model was lost, or it did not answer in time.', { cause });
}

async function statusFailure(response: Response): Promise<ConnectorError> {
  const { status } = response;
  await response.body?.cancel();
  const retryAfterMs = retryAfter(response.headers.get('retry-after'));
  const options = retryAfterMs === null ? {} : { retryAfterMs };
  if (status === 429 || status === 503) {
    return new ConnectorError('not-sent', `The model is busy (HTTP ${status}).`, options);
  }
  if (status >= 500) return new ConnectorError('unknown', `The model failed while answering (HTTP ${status}).`);
  return new ConnectorError('refused', `The model refused the request (HTTP ${status}).`);
}

/** Seconds or a date (RFC 9110, 10.2.3), as milliseconds from now. */
function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > answerBytesMax) throw new ConnectorError('refused', 'The model answered with more than 1 MiB.');
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof ConnectorError ? cause : networkFailure(cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
