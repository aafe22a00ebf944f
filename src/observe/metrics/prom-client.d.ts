/** The one part of prom-client that is used; its index loads 20 MB of what is not. */
declare module 'prom-client/lib/registry.js' {
  import { Registry } from 'prom-client';
  export default Registry;
}
