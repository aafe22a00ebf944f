import { ExitError } from '../errors/errors.ts';

/** Servers with this flag speak gRPC in place of HTTP; `--grpc-port` opens a second port and does no harm. */
export function speaksGrpc(flag: string): boolean {
  return flag.startsWith('--grpc-m') || flag.startsWith('--smg-g');
}

export function grpcRefusal(flag: string): ExitError {
  return new ExitError('usage', `${flag}: the router speaks HTTP to its servers, not gRPC`, {
    hint: 'leave it out; --grpc-port N gives each server a gRPC port beside the HTTP one',
  });
}
