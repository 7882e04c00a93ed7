// The embeddable broker. Start reading at broker.ts; README.md has the life of a produce and of a consume.
export { Broker } from "./broker.ts";
export { lockDirectory } from "./drivers/directory-lock.ts";
export type { DirectoryLock } from "./drivers/directory-lock.ts";
export { BrokerError } from "./errors.ts";
export type { BrokerErrorCode } from "./errors.ts";
export { defaultLimits } from "./limits.ts";
export type { BrokerLimits } from "./limits.ts";
export { defaultLogger, silentLogger } from "./logger.ts";
export type { Logger } from "./logger.ts";
export type { BrokerOptions, ListenerOptions } from "./options.ts";
export type { BrokerStats } from "./stats.ts";
export { configKeys, environmentName, flagName } from "./config/keys.ts";
export type { ConfigKey } from "./config/keys.ts";
export type { Listener } from "./config/parsers.ts";
export { resolveConfig } from "./config/resolve-config.ts";
export type {
  ConfigError,
  ConfigOrigin,
  ConfigSource,
  ConfigSources,
  NodeConfig,
  ResolvedConfig,
} from "./config/resolve-config.ts";
