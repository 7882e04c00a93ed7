// Original file: proto/varve/v1/admin.proto


/**
 * A question about the cluster.
 */
export interface DescribeClusterRequest {
}

/**
 * A question about the cluster.
 */
export interface DescribeClusterRequest__Output {
}
