import { afterAll, beforeAll, describe } from 'vitest';
import { declareAudits } from './graphql-over-http.js';
import { startTestServer, type TestServer } from './test-server.js';

describe.each(['on', 'off'] as const)('GraphQL over HTTP (FAST_LANE=%s)', (fastLane) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ fastLane });
  });
  afterAll(() => server.door.drain(1_000));

  declareAudits(() => server.graphql);
});
