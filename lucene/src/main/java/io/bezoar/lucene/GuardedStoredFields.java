package io.bezoar.lucene;

import java.io.IOException;
import org.apache.lucene.index.StoredFieldVisitor;
import org.apache.lucene.index.StoredFields;

/**
 * Stored fields, whose inputs read exactly by themselves; Lucene wraps what some of them throw, and
 * here it is unwrapped.
 */
final class GuardedStoredFields extends StoredFields {
  private final StoredFields in;

  GuardedStoredFields(StoredFields in) {
    this.in = in;
  }

  @Override
  public void prefetch(int doc) throws IOException {
    in.prefetch(doc);
  }

  @Override
  public void document(int doc, StoredFieldVisitor visitor) throws IOException {
    try {
      in.document(doc, visitor);
    } catch (RuntimeException e) {
      throw Losses.unwrapped(e);
    }
  }
}
