// Original file: proto/varve/v1/groups.proto


/**
 * A sign of life.
 */
export interface MemberHeartbeat {
}

/**
 * A sign of life.
 */
export interface MemberHeartbeat__Output {
}
