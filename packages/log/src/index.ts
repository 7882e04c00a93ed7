export { systemClock } from "./clock.ts";
export type { Clock, Timer } from "./clock.ts";
export { LogError } from "./errors.ts";
export type { LogErrorCode } from "./errors.ts";
export { FileSystemError } from "./file-system.ts";
export type { FileHandle, FileStatus, FileSystem, FileSystemErrorCode, OpenMode } from "./file-system.ts";
export { nodeFileSystem } from "./node-file-system.ts";
