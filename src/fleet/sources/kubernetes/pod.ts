import { isIPv6 } from 'node:net';
import { readBootstrapPort, readInteger, readRole, readUrl, ValueError } from '../../../config/values.ts';
import type { Role, WorkerSpec } from '../../worker-spec.ts';
import type { FoundWorker } from '../worker-source.ts';

/** What is remembered of a pod. */
export interface Pod {
  readonly uid: string;
  /** NAMESPACE/NAME. */
  readonly name: string;
  readonly ip: string | undefined;
  readonly ready: boolean;
  /** Time until the pod, which is being deleted, is killed; undefined while it is not. */
  readonly killedWithinMs: number | undefined;
  readonly createdMs: number;
  /** The annotations that this program reads. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Annotations of a pod that override the flags. */
const PORT_ANNOTATION = 'sglang.ai/port';
const MODEL_ANNOTATION = 'sglang.ai/model';
const ROLE_ANNOTATION = 'sglang.ai/role';

/** The parts of an API server's pod that are read. */
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

/** Reads a pod; undefined for anything else. */
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
  /** The roles that the router uses. */
  readonly roles: readonly Role[];
}

/** Time after a pod was killed in which its requests end. */
const AFTER_KILL_MS = 10_000;

/** The worker in a pod, if it has one now. `refuse` is called for unreadable annotations, which count as absent. */
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
