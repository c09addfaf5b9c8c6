package io.bezoar.media;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What lies under each byte of a mapping: pieces side by side, without a gap, of which no two
 * neighbours are alike. As the kernel joins neighbours that continue each other, their number is
 * that of the mappings that it keeps. Not thread-safe.
 *
 * @param <T> what can lie there; equal where the kernel joins
 */
final class PieceMap<T> {
  /** One run of bytes with the same under it. */
  record Piece<T>(ByteRange range, T backing) {}

  private final TreeMap<Long, Piece<T>> pieces = new TreeMap<>();

  /** All of {@code whole} has the same. */
  PieceMap(ByteRange whole, T backing) {
    if (!whole.isEmpty()) {
      pieces.put(whole.start(), new Piece<>(whole, backing));
    }
  }

  int count() {
    return pieces.size();
  }

  /** The pieces that touch {@code range}, cut to it, ascending. */
  List<Piece<T>> within(ByteRange range) {
    List<Piece<T>> found = new ArrayList<>();
    for (Piece<T> piece : overlapping(range)) {
      found.add(new Piece<>(piece.range().intersect(range), piece.backing()));
    }
    return found;
  }

  /** The pieces that touch {@code range}, together. */
  ByteRange widened(ByteRange range) {
    ByteRange wide = range;
    for (Piece<T> piece : overlapping(range)) {
      wide = wide.span(piece.range());
    }
    return wide;
  }

  private List<Piece<T>> overlapping(ByteRange range) {
    List<Piece<T>> found = new ArrayList<>();
    if (range.isEmpty()) {
      return found;
    }
    Map.Entry<Long, Piece<T>> at = pieces.floorEntry(range.start());
    while (at != null && at.getKey() < range.end()) {
      found.add(at.getValue());
      at = pieces.higherEntry(at.getKey());
    }
    return found;
  }

  /** How many pieces more there would be after {@link #put} of these. */
  int growth(List<Piece<T>> news) {
    Change<T> change = change(news);
    return change.with.size() - change.instead.size();
  }

  /** Lays pieces that follow each other without a gap over what is there. */
  void put(List<Piece<T>> news) {
    Change<T> change = change(news);
    change.instead.forEach(piece -> pieces.remove(piece.range().start()));
    change.with.forEach(piece -> pieces.put(piece.range().start(), piece));
  }

  private record Change<T>(List<Piece<T>> instead, List<Piece<T>> with) {}

  private Change<T> change(List<Piece<T>> news) {
    if (news.isEmpty()) {
      return new Change<>(List.of(), List.of());
    }
    ByteRange range = news.getFirst().range().span(news.getLast().range());
    // The neighbours, too: they may be joined.
    ByteRange beside = new ByteRange(Math.max(0, range.start() - 1), range.end() + 1);
    List<Piece<T>> instead = overlapping(beside);
    List<Piece<T>> with = new ArrayList<>();
    for (Piece<T> old : instead) {
      if (old.range().start() < range.start()) {
        long end = Math.min(old.range().end(), range.start());
        join(with, new Piece<>(new ByteRange(old.range().start(), end), old.backing()));
      }
    }
    news.forEach(piece -> join(with, piece));
    for (Piece<T> old : instead) {
      if (old.range().end() > range.end()) {
        long start = Math.max(old.range().start(), range.end());
        join(with, new Piece<>(new ByteRange(start, old.range().end()), old.backing()));
      }
    }
    return new Change<>(instead, with);
  }

  private static <T> void join(List<Piece<T>> joined, Piece<T> next) {
    if (next.range().isEmpty()) {
      return;
    }
    if (!joined.isEmpty() && joined.getLast().backing().equals(next.backing())) {
      ByteRange before = joined.removeLast().range();
      joined.add(new Piece<>(before.span(next.range()), next.backing()));
    } else {
      joined.add(next);
    }
  }
}
