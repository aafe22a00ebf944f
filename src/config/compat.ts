import { choice, flag, int, list, type Spec, text } from './spec.ts';

type Names = readonly [string, ...string[]];

const HISTORY = 'the router keeps no conversation history';
const NO_TOKENIZER = 'the router routes on text and needs no tokenizer';
const PARSERS = 'the servers parse their own output';
const NO_AUDIT = 'the access log alone tells of requests to the admin routes';
const NO_TOKENS = 'tokens are not read: --control-plane-api-keys or --api-key protects the admin routes';

const string = (flags: Names, why: string, env?: readonly string[]) =>
  text({ ...about(flags, why, env), default: undefined });
/** With a password in it. */
const secret = (flags: Names, why: string, env: readonly string[]): Spec => ({
  ...string(flags, why, env),
  secret: true,
});
const number = (flags: Names, byDefault: number, why: string, env?: readonly string[]) =>
  int({ ...about(flags, why, env), default: byDefault });
const toggle = (flags: Names, why: string) => flag(about(flags, why));
const words = (flags: Names, why: string) => list(about(flags, why));

/**
 * Flags of sglang-router 0.3.2 for things this router does not do. They are read, so that command lines keep working,
 * and a given one is answered by a notice; none reaches Config. Their variables are not read: they do nothing either way.
 */
export const COMPAT_OPTIONS: Readonly<Record<string, Spec>> = {
  enableIgw: toggle(['--enable-igw'], 'one mode serves all models'),
  miniLb: toggle(['--mini-lb'], 'there is one router for production and debugging'),
  backend: choice({
    ...about(['--backend'], 'workers are told apart by what they answer'),
    choices: ['sglang', 'openai'],
    default: 'sglang',
  }),
  modelPath: string(['--model-path'], NO_TOKENIZER),
  tokenizerPath: string(['--tokenizer-path'], NO_TOKENIZER),
  chatTemplate: string(['--chat-template'], NO_TOKENIZER),
  tokenizerCacheEnableL0: toggle(['--tokenizer-cache-enable-l0'], NO_TOKENIZER),
  tokenizerCacheL0MaxEntries: number(['--tokenizer-cache-l0-max-entries'], 10_000, NO_TOKENIZER),
  tokenizerCacheEnableL1: toggle(['--tokenizer-cache-enable-l1'], NO_TOKENIZER),
  tokenizerCacheL1MaxMemory: number(['--tokenizer-cache-l1-max-memory'], 52_428_800, NO_TOKENIZER),
  reasoningParser: string(['--reasoning-parser'], PARSERS),
  toolCallParser: string(['--tool-call-parser'], PARSERS),
  mcpConfigPath: string(['--mcp-config-path'], 'the router calls no tools'),
  historyBackend: choice({
    ...about(['--history-backend'], HISTORY),
    choices: ['memory', 'none', 'oracle', 'postgres', 'redis'],
    default: 'memory',
  }),
  oracleWalletPath: string(['--oracle-wallet-path'], HISTORY, ['ATP_WALLET_PATH']),
  oracleTnsAlias: string(['--oracle-tns-alias'], HISTORY, ['ATP_TNS_ALIAS']),
  oracleConnectDescriptor: string(['--oracle-connect-descriptor'], HISTORY, ['ATP_DSN']),
  oracleUsername: string(['--oracle-username'], HISTORY, ['ATP_USER']),
  oraclePassword: secret(['--oracle-password'], HISTORY, ['ATP_PASSWORD']),
  oraclePoolMin: number(['--oracle-pool-min'], 1, HISTORY, ['ATP_POOL_MIN']),
  oraclePoolMax: number(['--oracle-pool-max'], 16, HISTORY, ['ATP_POOL_MAX']),
  oraclePoolTimeoutSecs: number(['--oracle-pool-timeout-secs'], 30, HISTORY, ['ATP_POOL_TIMEOUT_SECS']),
  postgresDbUrl: secret(['--postgres-db-url'], HISTORY, ['POSTGRES_DB_URL']),
  postgresPoolMax: number(['--postgres-pool-max'], 16, HISTORY, ['POSTGRES_POOL_MAX']),
  redisUrl: secret(['--redis-url'], HISTORY, ['REDIS_URL']),
  redisPoolMax: number(['--redis-pool-max'], 16, HISTORY, ['REDIS_POOL_MAX']),
  redisRetentionDays: number(['--redis-retention-days'], 30, HISTORY, ['REDIS_RETENTION_DAYS']),
  controlPlaneAuditEnabled: toggle(['--control-plane-audit-enabled'], NO_AUDIT),
  jwtIssuer: string(['--jwt-issuer'], NO_TOKENS),
  jwtAudience: string(['--jwt-audience'], NO_TOKENS),
  jwtJwksUri: string(['--jwt-jwks-uri'], NO_TOKENS),
  jwtRoleMapping: words(['--jwt-role-mapping'], NO_TOKENS),
};

function about(flags: Names, why: string, env?: readonly string[]) {
  return { flags, group: 'compat' as const, help: why, noEffect: why, ...(env && { env }) };
}
