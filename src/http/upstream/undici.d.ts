/** The parts of undici that are used, without the fetch and websocket code that its index loads. */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export default Pool;
}
declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici';
  export default buildConnector;
}
declare module 'undici/lib/core/errors.js' {
  import { errors } from 'undici';
  export const {
    ClientDestroyedError,
    ConnectTimeoutError,
    HTTPParserError,
    InvalidArgumentError,
    SocketError,
  }: typeof errors;
}
