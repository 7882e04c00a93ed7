// Original file: proto/varve/v1/groups.proto


/**
 * The whole range of the group is done.
 */
export interface GroupFinished {
}

/**
 * The whole range of the group is done.
 */
export interface GroupFinished__Output {
}
