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
