// SPDX-License-Identifier: Apache-2.0
// Sizes of variable-length integers: LEB128, seven bits a byte, least significant group first; signed ones are zigzagged
// first (n >= 0 → 2n, n < 0 → -2n-1). Values beyond 32 bits are handled with plain arithmetic, not with bigint (ADR 0001).

/** Bytes that `value`, in [0, 2^53), takes as an unsigned varint. */
export function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Bytes that the 32-bit `value` takes as a zigzag varint. */
export function varintBytes(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5;
}

/** Bytes that the safe integer `value` takes as a zigzag varlong. */
export function varlongBytes(value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return varintBytes(value);
  // Zigzag may exceed 2^53 by one bit: count on the value itself, whose first byte carries six bits.
  let bytes = 1;
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 64);
  for (; rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
