package io.bezoar.nbd;

import io.bezoar.media.ByteRange;
import java.util.List;

/** What a read brought out. */
sealed interface ReadOutcome {
  /** The one instance for the usual case. */
  Whole WHOLE = new Whole();

  /** Every byte is good and in the buffer. */
  record Whole() implements ReadOutcome {}

  /**
   * Some bytes are lost. Both lists are in the volume's address space, ascending and disjoint, and
   * cover the request together.
   *
   * @param good bytes that are in the buffer
   * @param lost one failure per lost run, at its first byte
   */
  record Damaged(List<ByteRange> good, List<Failure> lost) implements ReadOutcome {
    public Damaged {
      good = List.copyOf(good);
      lost = List.copyOf(lost);
    }
  }

  /** Nothing may be used. */
  record Failed(Failure failure) implements ReadOutcome {}
}
