/** How a partition counts: `os` when written, `journal` when its round is synced, `direct` when its segment is (J-1). */
export type PartitionMode = "os" | "journal" | "direct";
