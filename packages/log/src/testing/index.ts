export { Random } from "./random.ts";
export { SimulatedClock, SimulatedTime, SimulationStuckError } from "./simulated-clock.ts";
export { SimulatedDisk } from "./simulated-disk.ts";
export type { DiskFault, DiskOperation, DiskOptions } from "./simulated-disk.ts";
