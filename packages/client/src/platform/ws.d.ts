/** The little that we use of `ws`, declared here so that Node's global types stay out of this package. */
declare module "ws" {
  export class WebSocket {
    constructor(url: string, protocols: string[], options: { perMessageDeflate: boolean });
    binaryType: string;
    onmessage: ((event: { readonly data: unknown }) => void) | null;
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
    onopen: ((event: unknown) => void) | null;
    onerror: ((event: { readonly message?: string }) => void) | null;
    send(data: string | Uint8Array<ArrayBuffer>): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    on(event: "error", listener: (error: Error) => void): this;
    pause(): void;
    resume(): void;
  }
}
