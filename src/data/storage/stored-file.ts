/** A file or folder in a folder. */
export interface StoredEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** An open file. */
export interface StoredFile {
  readonly size: number;
  /** Reads up to `length` bytes from byte `position` of the file to byte `at` of `into`; resolves with how many. */
  read(into: Buffer, at: number, length: number, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Where data sets are: this machine's disks, or the objects of a bucket, whose names make folders. */
export interface Storage {
  /** What is there; undefined for nothing. */
  kindOf(path: string): Promise<'file' | 'folder' | undefined>;
  sizeOf(file: string): Promise<number>;
  /** What is in a folder, in no order. @throws DataError `NOT_FOUND` where it can't be read. */
  list(folder: string): Promise<StoredEntry[]>;
  /** Paths of all files in a folder and below, from the folder on, in no order. */
  listAll(folder: string): Promise<string[]>;
  /** Files that match a glob pattern, in no order. */
  glob(pattern: string): Promise<string[]>;
  /** @throws DataError `NOT_FOUND` or `UNREADABLE`. */
  open(file: string): Promise<StoredFile>;
}
