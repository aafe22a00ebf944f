import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEndpoint } from '../../../src/observe/tracing/endpoint.ts';

test('the port of a protocol means the protocol, elsewhere http:// means HTTP', () => {
  const meant: Readonly<Record<string, string>> = {
    'localhost:4317': 'grpc http://localhost:4317/',
    'http://collector:4317': 'grpc http://collector:4317/',
    'collector:9999': 'grpc http://collector:9999/',
    'localhost:4318': 'http http://localhost:4318/v1/traces',
    'http://collector:9999': 'http http://collector:9999/v1/traces',
    'https://collector.example.com/otlp/v1/traces': 'http https://collector.example.com/otlp/v1/traces',
    '[::1]:4317': 'grpc http://[::1]:4317/',
  };
  for (const [word, meaning] of Object.entries(meant)) {
    const endpoint = readEndpoint(word);
    assert.equal(`${endpoint?.protocol} ${endpoint?.url}`, meaning, word);
  }
});

test('what is no address is none', () => {
  for (const word of ['', 'a b:1', 'host:port', 'http://']) assert.equal(readEndpoint(word), undefined, word);
});
