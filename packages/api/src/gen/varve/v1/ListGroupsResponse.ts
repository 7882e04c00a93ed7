// Original file: proto/varve/v1/groups.proto

import type { GroupSummary as _varve_v1_GroupSummary, GroupSummary__Output as _varve_v1_GroupSummary__Output } from '../../varve/v1/GroupSummary.ts';
import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';

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
  /**
   * Coordinators that could not be asked: groups of theirs are missing. Empty: the list is whole.
   */
  'errors'?: (_varve_v1_Error)[];
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
  /**
   * Coordinators that could not be asked: groups of theirs are missing. Empty: the list is whole.
   */
  'errors': (_varve_v1_Error__Output)[];
}
