// Original file: proto/varve/v1/groups.proto


/**
 * Other topics that a member wants.
 */
export interface MemberTopics {
  /**
   * Topics to read.
   */
  'topics'?: (string)[];
  /**
   * Pattern, as in MemberSubscription.
   */
  'topicPattern'?: (string);
}

/**
 * Other topics that a member wants.
 */
export interface MemberTopics__Output {
  /**
   * Topics to read.
   */
  'topics': (string)[];
  /**
   * Pattern, as in MemberSubscription.
   */
  'topicPattern': (string);
}
