// Original file: proto/varve/v1/admin.proto


/**
 * A topic to be deleted.
 */
export interface DeleteTopicRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * The id that it must have, so that a new topic of the same name is not deleted. Empty: any.
   */
  'topicId'?: (string);
  /**
   * Check all, delete nothing.
   */
  'validateOnly'?: (boolean);
}

/**
 * A topic to be deleted.
 */
export interface DeleteTopicRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * The id that it must have, so that a new topic of the same name is not deleted. Empty: any.
   */
  'topicId': (string);
  /**
   * Check all, delete nothing.
   */
  'validateOnly': (boolean);
}
