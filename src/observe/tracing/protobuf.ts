/** The few parts of the protobuf wire format that OTLP needs; each returns a field, or undefined for a value that is not sent. */
export type Field = Buffer | undefined;

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;

/** A message, or anything else with its length before it. */
export function nested(number: number, fields: readonly Field[]): Buffer {
  return bytes(number, Buffer.concat(fields.filter((field) => field !== undefined)));
}

export function bytes(number: number, value: Uint8Array): Buffer {
  return Buffer.concat([tag(number, LENGTH), varint(BigInt(value.length)), value]);
}

export function text(number: number, value: string): Buffer {
  return bytes(number, Buffer.from(value));
}

export function integer(number: number, value: number): Buffer {
  return Buffer.concat([tag(number, VARINT), varint(BigInt.asUintN(64, BigInt(value)))]);
}

export function fixed64(number: number, value: bigint): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(value);
  return Buffer.concat([tag(number, FIXED_64), out]);
}

export function double(number: number, value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeDoubleLE(value);
  return Buffer.concat([tag(number, FIXED_64), out]);
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt((number << 3) | wireType));
}

function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Buffer.from(out);
}
