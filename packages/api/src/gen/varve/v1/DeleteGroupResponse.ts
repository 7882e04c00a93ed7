// Original file: proto/varve/v1/groups.proto


/**
 * A group was deleted.
 */
export interface DeleteGroupResponse {
}

/**
 * A group was deleted.
 */
export interface DeleteGroupResponse__Output {
}
