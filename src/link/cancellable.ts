/** Work for a request that can be given up: its client has left, or nobody wants the result. */
export interface Cancellable {
  cancel(): void;
}
