import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPES: Readonly<Record<number, 'A' | 'AAAA' | 'SRV'>> = { 1: 'A', 28: 'AAAA', 33: 'SRV' };
const NO_SUCH_NAME = 3;
const FAILED = 2;

interface Records {
  readonly A?: readonly string[];
  /** `TARGET:PORT`. */
  readonly SRV?: readonly string[];
  readonly ttl?: number;
}

/** A DNS server on a UDP port: what `records` has, by name; no such name for the others. */
export class FakeDns implements AsyncDisposable {
  readonly records = new Map<string, Records>();
  /** Questions, as `TYPE name`. */
  readonly asked: string[] = [];
  /** Every question is answered by a failure. */
  failing = false;
  readonly #socket: Socket = createSocket('udp4');

  static async start(): Promise<FakeDns> {
    const dns = new FakeDns();
    dns.#socket.on('message', (message, { port, address }) => dns.#socket.send(dns.#answer(message), port, address));
    dns.#socket.bind(0, '127.0.0.1');
    await once(dns.#socket, 'listening');
    return dns;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
  }

  #answer(message: Buffer): Buffer {
    const { name, end } = readName(message, 12);
    const type = TYPES[message.readUInt16BE(end)] ?? 'A';
    this.asked.push(`${type} ${name}`);
    const found = this.failing ? undefined : this.records.get(name);
    const values = type === 'AAAA' ? [] : (found?.[type] ?? []);
    const answers = values.map((value) => record(type, value, found?.ttl ?? 0));
    const code = this.failing ? FAILED : found ? 0 : NO_SUCH_NAME;
    const head = Buffer.from(message.subarray(0, 12));
    head.writeUInt16BE(0x8180 + code, 2);
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    return Buffer.concat([head, message.subarray(12, end + 4), ...answers]);
  }
}

function record(type: 'A' | 'AAAA' | 'SRV', value: string, ttl: number): Buffer {
  const data = type === 'A' ? Buffer.from(value.split('.').map(Number)) : service(value);
  const head = Buffer.alloc(12);
  // The name is that of the question, at offset 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type === 'A' ? 1 : 33, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function service(value: string): Buffer {
  const [target = '', port] = value.split(':');
  const head = Buffer.alloc(6);
  head.writeUInt16BE(Number(port), 4);
  const labels = target.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0])]);
}

function readName(message: Buffer, from: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = from;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 1 };
}
