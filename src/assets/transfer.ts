/** How far one asset is. */
export interface TransferProgress {
  readonly step: 'download' | 'extract';
  /** Bytes done of this step. */
  readonly bytes: number;
  /** Bytes of this step in all; undefined where the server doesn't say. */
  readonly total: number | undefined;
}

/** What every function that brings an asset accepts. */
export interface TransferOptions {
  /** Aborts, and removes what was written, except a partial download, which goes on the next time; the signal's reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called while bytes come. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** Gets lines that a waiting user should see, such as that another process is at the same download. */
  readonly onNotice?: (line: string) => void;
}
