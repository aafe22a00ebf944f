import { isIPv6 } from 'node:net';
import { readBootstrapPort, readInteger, readRole, readUrl, ValueError } from '../../../config/values.ts';
import type { Role, WorkerSpec } from '../../worker-spec.ts';
import type { FoundWorker } from '../worker-source.ts';

/** What is kept of a pod. */
export interface Pod {
  readonly uid: string;
  /** NAMESPACE/NAME. */
  readonly name: string;
  readonly ip: string | undefined;
  readonly ready: boolean;
  /** It is being deleted, and is killed after so long; undefined while it is not. */
  readonly killedWithinMs: number | undefined;
  readonly createdMs: number;
  /** Those that this program reads. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Annotations of a pod that come before what the flags say. */
const PORT_ANNOTATION = 'sglang.ai/port';
const MODEL_ANNOTATION = 'sglang.ai/model';
const ROLE_ANNOTATION = 'sglang.ai/role';

/** A pod as the API server has it, as far as it is read. */
export interface PodObject {
  readonly metadata?: {
    readonly uid?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

/** Undefined for something that is no pod. */
export function readPod({ metadata = {}, status = {} }: PodObject, bootstrapAnnotation: string): Pod | undefined {
  const { uid, name, namespace, annotations = {}, deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  if (uid === undefined) return undefined;
  const read = [PORT_ANNOTATION, MODEL_ANNOTATION, ROLE_ANNOTATION, bootstrapAnnotation];
  return {
    uid,
    name: `${namespace}/${name}`,
    ip: status.podIP || undefined,
    ready:
      status.phase === 'Running' &&
      (status.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    killedWithinMs: deletionTimestamp === undefined ? undefined : deletionGracePeriodSeconds * 1000,
    createdMs: Date.parse(metadata.creationTimestamp ?? '') || 0,
    annotations: Object.fromEntries(read.flatMap((key) => (annotations[key] ? [[key, annotations[key]]] : []))),
  };
}

/** How pods become workers. */
export interface Naming {
  readonly port: number;
  readonly bootstrapAnnotation: string;
  readonly apiKey: string | undefined;
  /** Those that the router has use for. */
  readonly roles: readonly Role[];
}

/** What still runs when a pod has been killed has lost its server. */
const AFTER_KILL_MS = 10_000;

/** The worker in a pod, if it has one now. `refuse` is told of annotations that cannot be read: they count as absent. */
export function workerOf(
  pod: Pod,
  selectedRole: Role,
  naming: Naming,
  refuse: (problem: string) => void,
): FoundWorker | undefined {
  const { uid, ip, ready, killedWithinMs, annotations } = pod;
  if (ip === undefined || (!ready && killedWithinMs === undefined)) return undefined;
  const read = <T>(key: string, parse: (word: string) => T): T | undefined => {
    try {
      return annotations[key] === undefined ? undefined : parse(annotations[key]);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      refuse(`${key}: ${error.message}`);
      return undefined;
    }
  };
  const port = read(PORT_ANNOTATION, (word) => readInteger(word, { min: 1, max: 65_535 })) ?? naming.port;
  const role = read(ROLE_ANNOTATION, (word) => readRole(word, naming.roles)) ?? selectedRole;
  const bootstrapPort = role === 'prefill' ? read(naming.bootstrapAnnotation, readBootstrapPort) : undefined;
  const spec: WorkerSpec = {
    url: readUrl(`http://${isIPv6(ip) ? `[${ip}]` : ip}:${port}`),
    role,
    bootstrapPort,
    apiKey: naming.apiKey,
    modelId: annotations[MODEL_ANNOTATION],
  };
  const leaving = killedWithinMs === undefined ? {} : { leavesWithinMs: killedWithinMs + AFTER_KILL_MS };
  return { spec, uid, ...leaving };
}
