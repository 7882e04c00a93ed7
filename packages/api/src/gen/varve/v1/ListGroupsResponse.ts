// Original file: proto/varve/v1/groups.proto

import type { GroupSummary as _varve_v1_GroupSummary, GroupSummary__Output as _varve_v1_GroupSummary__Output } from '../../varve/v1/GroupSummary.ts';

/**
 * Groups, by name.
 */
export interface ListGroupsResponse {
  /**
   * The groups.
   */
  'groups'?: (_varve_v1_GroupSummary)[];
  /**
   * What to send for the next page. Empty: this was the last.
   */
  'nextPageToken'?: (string);
}

/**
 * Groups, by name.
 */
export interface ListGroupsResponse__Output {
  /**
   * The groups.
   */
  'groups': (_varve_v1_GroupSummary__Output)[];
  /**
   * What to send for the next page. Empty: this was the last.
   */
  'nextPageToken': (string);
}
